# lmtp/empty-message.t   why: a message may be empty: the line end of DATA counts for the first dot
rcpt <ann@y> accepted
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>   -> 250
C: RCPT TO:<ann@y>   -> 250
C: DATA              -> 354
C: .
S: 250 2.0.0 ...
M: size=0
