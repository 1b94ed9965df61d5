# lmtp/xforward-injects-nothing.t   why: line breaks hidden in xtext do not reach log lines or keys as such (reliability 5: log injection)
rcpt <ann@y> accepted
S: 220 ...
C: LHLO mta.example  -> 250
C: XFORWARD IDENT=a+0D+0Aforged   -> 250
C: MAIL FROM:<a@x>   -> 250
C: RCPT TO:<ann@y>   -> 250
C: DATA              -> 354
C: <body hello.eml>
S: 250 2.0.0 ...
M: ident=a\r\nforged
