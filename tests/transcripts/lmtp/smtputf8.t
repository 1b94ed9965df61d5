# lmtp/smtputf8.t   why: UTF-8 in addresses needs SMTPUTF8 (RFC 6531 3.4); twins are other mailboxes
rcpt <ann@y> accepted
rcpt <안녕@예시.한국> accepted
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>                      -> 250
C: RCPT TO:<안녕@예시.한국>   -> 553 5.6.7
C: RSET                                 -> 250
C: MAIL FROM:<jürgen@x>                 -> 553 5.6.7
C: MAIL FROM:<jürgen@x> SMTPUTF8=yes    -> 555 5.5.4
C: MAIL FROM:<jürgen@x> SMTPUTF8        -> 250 2.1.0
C: RCPT TO:<안녕@예시.한국>   -> 250 2.1.5
C= RCPT TO:<\xed\xa0\x80@y>\r\n           -> 501 5.1.3
C= RCPT TO:<\xc2\x85@y>\r\n               -> 501 5.1.3
C: RCPT TO:<аnn@y>                      -> 550 5.1.1
C: DATA                                 -> 354
C: <body hello.eml>
S: 250 2.0.0 <안녕@예시.한국> ...
M: smtputf8=yes sender=<jürgen@x>
