# lmtp/size-far-exceeded.t   why: a peer that does not stop sending is cut off after the surplus (reliability 8)
rcpt <ann@y> accepted
limit message_size 20
limit surplus 10
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>   -> 250
C: RCPT TO:<ann@y>   -> 250
C: DATA              -> 354
C: 0123456789
C: 0123456789
C: 0123456789
S: 421 4.3.4 ...
S: <closed>
M: discarded=too_big
