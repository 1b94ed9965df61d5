# lmtp/driver-forgets-an-outcome.t   why: N replies for N recipients even if an outcome is missing or is none (reliability promise 13)
rcpt <ann@y> accepted
rcpt <bob@y> accepted
rcpt <cat@y> accepted
outcome bob@y hang_up
outcome cat@y missing
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>   -> 250
C: RCPT TO:<ann@y>   -> 250
C: RCPT TO:<bob@y>   -> 250
C: RCPT TO:<cat@y>   -> 250
C: DATA              -> 354
C: <body hello.eml>
S: 250 2.0.0 <ann@y> ...
S: 451 4.3.0 <bob@y> ...
S: 451 4.3.0 <cat@y> ...
C: NOOP              -> 250
