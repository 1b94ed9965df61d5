# store/injection.t   why: line ends and controls inside addresses aim at the line protocol (OpenSMTPD 7.8.0p1)
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: FROM <s@x>                 -> +OK
C= RCPT <a\0b@y>\r\n          -> -ERR [SYNTAX]
C= RCPT <a\rb@y>\r\n          -> -ERR [SYNTAX]
C= RCPT <a\tb@y>\r\n          -> -ERR [SYNTAX]
C= RCPT <a\x7f@y>\r\n         -> -ERR [SYNTAX]
C= RCPT <a@y>\r\r\n           -> -ERR [SYNTAX]
C= RCPT <a\nRCPT <b@y>\r\n
S: -ERR [SYNTAX] ...
S: +OK ...
C: RCPT <"q>EPOCH=9<"@y>      -> +OK
C: DATA
C= x                          -> +OK [STORED name=n]
M: recipients=b@y,"q>EPOCH=9<"@y epochs=0,0
