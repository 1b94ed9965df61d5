# store/rcpt-before-from.t   why: a misplaced RCPT removes itself, and DATA is not "DATA first" after it
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: RCPT <ann@y>               -> -ERR [SYNTAX]
C: DATA
C= x                          -> -ERR [TEMP]
C: QUIT                       -> +OK
S: <closed>
M: none
