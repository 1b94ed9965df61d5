# lmtp/rset-forgets.t   why: RSET leaves nothing of a transaction (sabotage S8: RSET keeps recipients)
rcpt <ann@y> accepted
rcpt <bob@y> accepted
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x> BODY=8BITMIME SMTPUTF8  -> 250
C: RCPT TO:<ann@y>    -> 250
C: RSET               -> 250
C: DATA               -> 503 5.5.1
C: MAIL FROM:<b@x>    -> 250
C: DATA               -> 503 5.5.1
C: RCPT TO:<bob@y>    -> 250
C: DATA               -> 354
C: <body hello.eml>
S: 250 2.0.0 <bob@y> ...
M: sender=<b@x> recipients=bob@y eight_bit=no smtputf8=no
