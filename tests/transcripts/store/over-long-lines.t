# store/over-long-lines.t   why: 1,024 octets with the line end fit, one more does not; the rest is swallowed
C= NOOP\{1018} \r\n           -> +OK
C= NOOP\{1019} \n             -> +OK
C= NOOP\{1019} \r\n           -> -ERR [SYNTAX]
C= NOOP\{5000}x\r\n           -> -ERR [SYNTAX]
C= NAME \{5000}x\r\n          -> -ERR [SYNTAX]
C: SIZE 4                     -> -ERR [SYNTAX]
C: DATA
C= abcd                       -> -ERR [SYNTAX]
C= NOOP\n                     -> +OK
