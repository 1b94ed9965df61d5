# store/body-is-binary.t   why: counted, never terminated: dots, line ends, NUL and 8 bits are octets (reliability: smuggling)
C: SIZE 38                    -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: FROM <s@x>                 -> +OK
C: RCPT <ann@y>               -> +OK
C: DATA
C= a\r\n.\r\nQUIT\r\n..\r\n\0\xff\xfe\n.\n\r.\rSIZE 1\r\n\xc3\xa4\r\n\r
S: +OK [STORED name=n] ...
M: size=38
M= a\r\n.\r\nQUIT\r\n..\r\n\0\xff\xfe\n.\n\r.\rSIZE 1\r\n\xc3\xa4\r\n\r
C: NOOP                       -> +OK
