# store/name-refused-before-size.t   why: SIZE within a refused transaction is refused but believed, so that octets stay octets
C: NAME ../etc/passwd         -> -ERR [SYNTAX]
C: SIZE 6                     -> -ERR [SYNTAX]
C: PRTN mail1                 -> -ERR [SYNTAX]
C: FROM <s@x>                 -> -ERR [SYNTAX]
C: RCPT <ann@y>               -> -ERR [SYNTAX]
C: DATA
C= QUIT\r\n                   -> -ERR [SYNTAX]
C: NOOP                       -> +OK
M: none
