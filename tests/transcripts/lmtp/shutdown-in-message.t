# lmtp/shutdown-in-message.t   why: a stop finishes the message that has begun, then says 421 (fault F29)
rcpt <ann@y> accepted
rcpt <bob@y> accepted
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>   -> 250
C: RCPT TO:<ann@y>   -> 250
C: RCPT TO:<bob@y>   -> 250
C: DATA              -> 354
C: half
E: shutting_down
C: and half
C: .
S: 250 2.0.0 <ann@y> ...
S: 250 2.0.0 <bob@y> ...
S: 421 4.3.2 ...
S: <closed>
M: recipients=ann@y,bob@y
M= half\r\nand half\r\n
