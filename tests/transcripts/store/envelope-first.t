# store/envelope-first.t   why: the base protocol, envelope first: the reply to DATA is the commitment
C: SIZE 7                     -> +OK
C: NAME 1700000000.k1.mx1     -> +OK
C: PRTN mail1                 -> +OK
C: FROM <sender@example.com>  -> +OK
C: RCPT <ann@example.org>     -> +OK
C: DATA
C: hello
S: +OK [STORED name=1700000000.k1.mx1] ...
M: name=1700000000.k1.mx1 partition=mail1 sender=<sender@example.com> recipients=ann@example.org size=7
M= hello\r\n
C: QUIT                       -> +OK
S: <closed>
