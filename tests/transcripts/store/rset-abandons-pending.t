# store/rset-abandons-pending.t   why: a pending message is only committed by QUIT
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: DATA
C= x                          -> +OK [PENDING]
C: FROM <s@x>                 -> +OK
C: RCPT <ann@y>               -> +OK
C: RSET                       -> +OK
C: QUIT                       -> +OK
S: <closed>
M: none
