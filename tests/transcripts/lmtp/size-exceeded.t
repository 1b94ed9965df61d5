# lmtp/size-exceeded.t   why: the commonest LMTP server bug is to answer once: a message that is too big gets one reply per recipient
rcpt <ann@y> accepted
rcpt <bob@y> accepted
limit message_size 20
limit surplus 100
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>   -> 250
C: RCPT TO:<ann@y>   -> 250
C: RCPT TO:<bob@y>   -> 250
C: DATA              -> 354
C: 0123456789
C: 0123456789
C: .
S: 552 5.3.4 <ann@y> ...
S: 552 5.3.4 <bob@y> ...
C: MAIL FROM:<a@x>   -> 250
C: RCPT TO:<bob@y>   -> 250
C: DATA              -> 354
C: 0123456789
C: .
S: 250 2.0.0 <bob@y> ...
M: recipients=ann@y,bob@y discarded=too_big
M: recipients=bob@y size=12 discarded=no
