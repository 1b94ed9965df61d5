# store/pending-from-refused.t   why: a refused FROM refuses the pending message as a whole
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: DATA
C= x                          -> +OK [PENDING]
C: FROM <s@x                  -> -ERR [SYNTAX]
C: FROM <s@x>                 -> -ERR [SYNTAX]
C: RCPT <ann@y>               -> -ERR [SYNTAX]
C: QUIT                       -> -ERR [SYNTAX]
S: <closed>
M: none
