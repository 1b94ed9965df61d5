# store/quit-with-argument.t   why: a garbled QUIT neither commits nor closes
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: DATA
C= x                          -> +OK [PENDING]
C: FROM <s@x>                 -> +OK
C: RCPT <ann@y>               -> +OK
C: QUIT now                   -> -ERR [SYNTAX]
C: QUIT                       -> +OK [STORED name=n]
S: <closed>
M: recipients=ann@y
