# lmtp/same-recipient-twice.t   why: two RCPTs for one mailbox: two replies, one delivery (Dovecot does the same)
rcpt <ann@y> accepted
rcpt <bob@y> accepted
rcpt <ann+lists@y> accepted as ann@y
outcome ann@y full
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>          -> 250
C: RCPT TO:<ann@y>          -> 250
C: RCPT TO:<bob@y>          -> 250
C: RCPT TO:<ann+lists@y>    -> 250
C: RCPT TO:<ann@y>          -> 250
C: DATA                     -> 354
C: <body hello.eml>
S: 452 4.3.1 <ann@y> ...
S: 250 2.0.0 <bob@y> ...
S: 452 4.3.1 <ann+lists@y> ...
S: 452 4.3.1 <ann@y> ...
M: recipients=ann@y,bob@y
