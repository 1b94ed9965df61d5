# lmtp/shutdown-while-delivering.t   why: a stop waits for the outcomes
rcpt <ann@y> accepted
outcome ann@y full
deliveries held
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>   -> 250
C: RCPT TO:<ann@y>   -> 250
C: DATA              -> 354
C: <body hello.eml>
E: shutting_down
E: delivered
S: 452 4.3.1 <ann@y> ...
S: 421 4.3.2 ...
S: <closed>
