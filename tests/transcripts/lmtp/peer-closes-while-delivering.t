# lmtp/peer-closes-while-delivering.t   why: who closes its sending side still gets the replies
rcpt <ann@y> accepted
rcpt <bob@y> accepted
outcome bob@y temp
deliveries held
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>   -> 250
C: RCPT TO:<ann@y>   -> 250
C: RCPT TO:<bob@y>   -> 250
C: DATA              -> 354
C: <body hello.eml>
C: <close>
E: delivered
S: 250 2.0.0 <ann@y> ...
S: 451 4.3.0 <bob@y> ...
S: <closed>
