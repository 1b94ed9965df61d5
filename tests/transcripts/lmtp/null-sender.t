# lmtp/null-sender.t   why: bounces come from <> (RFC 5321 4.5.5)
rcpt <ann@y> accepted
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<>      -> 250 2.1.0
C: RCPT TO:<ann@y>   -> 250
C: DATA              -> 354
C: <body hello.eml>
S: 250 2.0.0 ...
M: sender=<>
