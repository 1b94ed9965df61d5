# store/too-many-errors.t   why: a peer that talks nonsense is cut off after the limit
limit errors 3
C: HELO mx1                   -> -ERR [SYNTAX]
C: NOOP                       -> +OK
C= \r\n                       -> -ERR [SYNTAX]
C: GET / HTTP/1.1             -> -ERR [SYNTAX]
S: <closed>
C: NOOP
