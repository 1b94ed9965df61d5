# lmtp/line-ends-in-commands.t   why: a command line that does not end in CR LF is never carried out (smuggling by differing line ends)
S: 220 ...
C: LHLO mta.example  -> 250
C= MAIL FROM:<a@x>\n              -> 500 5.5.2
C= MAIL FROM:<a@x>\rNOOP\r\n       -> 500 5.5.2
C= NOOP\r\r\n                      -> 500 5.5.2
C= NO\0OP\r\n                      -> 500 5.5.2
C= NOOP\tx\r\n                     -> 500 5.5.2
C= \r\n                            -> 500 5.5.1
C: DATA                            -> 503 5.5.1
M: none
