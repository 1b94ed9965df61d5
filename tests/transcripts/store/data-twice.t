# store/data-twice.t   why: a second DATA while one is pending spoils both; QUIT does not commit
C: SIZE 6                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: DATA
C= first!                     -> +OK [PENDING]
C: FROM <s@x>                 -> +OK
C: RCPT <ann@y>               -> +OK
C: DATA
C= QUIT\r\n                   -> -ERR [SYNTAX]
C: QUIT                       -> -ERR [SYNTAX]
S: <closed>
M: none
