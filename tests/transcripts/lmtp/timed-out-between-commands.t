# lmtp/timed-out-between-commands.t   why: a silent peer is told and closed (RFC 5321 4.5.3.2.7)
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>   -> 250
E: timed_out
S: 421 4.4.2 ...
S: <closed>
M: none
