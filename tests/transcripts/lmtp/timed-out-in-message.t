# lmtp/timed-out-in-message.t   why: a message whose rest does not come is thrown away, and not stored
rcpt <ann@y> accepted
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>   -> 250
C: RCPT TO:<ann@y>   -> 250
C: DATA              -> 354
C: half a mess
E: timed_out
S: 421 4.4.2 ...
S: <closed>
M: discarded=interrupted
