# lmtp/two-recipients-one-full.t   why: RFC 2033 4.2 needs one reply per accepted recipient, in order
rcpt <ann@y> accepted
rcpt <full@y> accepted
outcome full@y over_quota
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>      -> 250 2.1.0
C: RCPT TO:<ann@y>      -> 250 2.1.5
C: RCPT TO:<full@y>     -> 250 2.1.5
C: DATA                 -> 354
C: <body hello.eml>
S: 250 2.0.0 <ann@y> ...
S: 452 4.2.2 <full@y> ...
M: sender=<a@x> recipients=ann@y,full@y
