# lmtp/shutdown-in-envelope.t   why: before DATA nothing is ours: the MTA keeps the message
rcpt <ann@y> accepted
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>   -> 250
C: RCPT TO:<ann@y>   -> 250
E: shutting_down
S: 421 4.3.2 ...
S: <closed>
M: none
