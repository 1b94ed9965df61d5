# lmtp/out-of-order.t   why: commands in the wrong order are refused and change nothing (RFC 5321 4.1.4)
rcpt <ann@y> accepted
S: 220 ...
C: RCPT TO:<ann@y>    -> 503 5.5.1
C: DATA               -> 503 5.5.1
C: LHLO mta.example   -> 250
C: RCPT TO:<ann@y>    -> 503 5.5.1
C: MAIL FROM:<a@x>    -> 250
C: MAIL FROM:<b@x>    -> 503 5.5.1
C: RCPT TO:<ann@y>    -> 250
C: MAIL FROM:<c@x>    -> 503 5.5.1
C: DATA now           -> 501 5.5.4
C: DATA               -> 354
C: <body hello.eml>
S: 250 2.0.0 <ann@y> ...
C: DATA               -> 503 5.5.1
C: RCPT TO:<ann@y>    -> 503 5.5.1
M: sender=<a@x> recipients=ann@y
