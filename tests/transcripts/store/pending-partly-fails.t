# store/pending-partly-fails.t   why: the reply to QUIT is +OK only if all are safe, also with RESULTS
outcome full@y full
C: CAPA RESULTS               -> +OK [CAPA version=1] ...
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: DATA
C= x                          -> +OK [PENDING]
C: FROM <s@x>                 -> +OK
C: RCPT <ann@y>               -> +OK
C: RCPT <full@y>              -> +OK
C: QUIT                       -> -ERR [FULL] 1 of 2 ...
S: <closed>
M: recipients=ann@y,full@y
