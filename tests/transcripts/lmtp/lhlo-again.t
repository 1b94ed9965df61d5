# lmtp/lhlo-again.t   why: a second LHLO is a RSET (RFC 5321 4.1.4)
rcpt <ann@y> accepted
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>    -> 250
C: RCPT TO:<ann@y>    -> 250
C: LHLO other.example -> 250
C: DATA               -> 503 5.5.1
C: MAIL FROM:<a@x>    -> 250
C: RCPT TO:<ann@y>    -> 250
C: DATA               -> 354
C: <body hello.eml>
S: 250 2.0.0 ...
M: helo=other.example recipients=ann@y
