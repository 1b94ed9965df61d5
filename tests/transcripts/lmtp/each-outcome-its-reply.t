# lmtp/each-outcome-its-reply.t   why: every way a delivery ends has its own code; faults of ours are 4xx (reliability promise 14)
rcpt <q@y> accepted
rcpt <f@y> accepted
rcpt <t@y> accepted
rcpt <u@y> accepted
rcpt <p@y> accepted
rcpt <n@y> accepted
rcpt <b@y> accepted
rcpt <m@y> accepted
rcpt <d@y> accepted
rcpt <s@y> accepted
outcome q@y over_quota
outcome f@y full
outcome t@y temp
outcome u@y unknown
outcome p@y perm
outcome n@y no_user
outcome b@y too_big
outcome m@y moved
outcome d@y denied
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>  -> 250
C: RCPT TO:<q@y>  -> 250
C: RCPT TO:<f@y>  -> 250
C: RCPT TO:<t@y>  -> 250
C: RCPT TO:<u@y>  -> 250
C: RCPT TO:<p@y>  -> 250
C: RCPT TO:<n@y>  -> 250
C: RCPT TO:<b@y>  -> 250
C: RCPT TO:<m@y>  -> 250
C: RCPT TO:<d@y>  -> 250
C: RCPT TO:<s@y>  -> 250
C: DATA  -> 354
C: <body hello.eml>
S: 452 4.2.2 <q@y> ...
S: 452 4.3.1 <f@y> ...
S: 451 4.3.0 <t@y> ...
S: 451 4.4.2 <u@y> ... duplicate is possible
S: 554 5.6.0 <p@y> ...
S: 550 5.1.1 <n@y> ...
S: 552 5.3.4 <b@y> ...
S: 451 4.3.5 <m@y> ...
S: 451 4.3.5 <d@y> ...
S: 250 2.0.0 <s@y> ...
M: size=117
C: NOOP  -> 250
