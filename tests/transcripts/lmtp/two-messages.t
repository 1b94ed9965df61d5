# lmtp/two-messages.t   why: nothing of one message is left for the next, also after an error behind the dot
rcpt <ann@y> accepted
rcpt <bob@y> accepted
outcome ann@y temp
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>   -> 250
C: RCPT TO:<ann@y>   -> 250
C: DATA              -> 354
C: <body hello.eml>
S: 451 4.3.0 <ann@y> ...
C: MAIL FROM:<b@x>   -> 250
C: RCPT TO:<bob@y>   -> 250
C: DATA              -> 354
C: second
C: .
S: 250 2.0.0 <bob@y> ...
M: sender=<a@x> recipients=ann@y
M: sender=<b@x> recipients=bob@y
M= second\r\n
