# lmtp/mailbox-full-permanent.t   why: an operator may choose that a full mailbox bounces at once (Dovecot's default)
rcpt <ann@y> accepted
outcome ann@y over_quota
setting mailbox_full permanent
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>   -> 250
C: RCPT TO:<ann@y>   -> 250
C: DATA              -> 354
C: <body hello.eml>
S: 552 5.2.2 <ann@y> ...
