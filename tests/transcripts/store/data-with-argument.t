# store/data-with-argument.t   why: a garbled DATA is followed by its octets all the same
C: SIZE 6                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: FROM <s@x>                 -> +OK
C: RCPT <ann@y>               -> +OK
C: DATA 6
C= QUIT\r\n                   -> -ERR [SYNTAX]
C: NOOP                       -> +OK
M: none
