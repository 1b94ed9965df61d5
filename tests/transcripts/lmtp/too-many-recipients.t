# lmtp/too-many-recipients.t   why: the rest of the recipients is deferred, not lost (452 4.5.3: RFC 5321 4.5.3.1.10)
rcpt <ann@y> accepted
rcpt <bob@y> accepted
rcpt <cat@y> accepted
limit recipients 2
limit errors 2
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>   -> 250
C: RCPT TO:<ann@y>   -> 250
C: RCPT TO:<bob@y>   -> 250
C: RCPT TO:<cat@y>   -> 452 4.5.3
C: RCPT TO:<cat@y>   -> 452 4.5.3
C: RCPT TO:<cat@y>   -> 452 4.5.3
C: DATA              -> 354
C: <body hello.eml>
S: 250 2.0.0 <ann@y> ...
S: 250 2.0.0 <bob@y> ...
M: recipients=ann@y,bob@y
