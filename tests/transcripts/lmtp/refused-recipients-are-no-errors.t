# lmtp/refused-recipients-are-no-errors.t   why: a list of hundreds of old addresses must not close the connection
rcpt <ann@y> accepted
limit errors 3
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>   -> 250
C: RCPT TO:<old0@y>   -> 550 5.1.1
C: RCPT TO:<old1@y>   -> 550 5.1.1
C: RCPT TO:<old2@y>   -> 550 5.1.1
C: RCPT TO:<old3@y>   -> 550 5.1.1
C: RCPT TO:<old4@y>   -> 550 5.1.1
C: RCPT TO:<old5@y>   -> 550 5.1.1
C: RCPT TO:<two words@y>   -> 501 5.1.3
C: RCPT TO:<ann@y>   -> 250
C: DATA              -> 354
C: <body hello.eml>
S: 250 2.0.0 <ann@y> ...
