# store/data-first.t   why: the base protocol, DATA first: QUIT commits and its reply tells the fate
C: SIZE 7                     -> +OK
C: NAME 1700000000.k1.mx1     -> +OK
C: PRTN mail1                 -> +OK
C: DATA
C: hello
S: +OK [PENDING] ...
M: none
C: FROM <sender@example.com>  -> +OK
C: RCPT <ann@example.org>     -> +OK
C: RCPT <bob@example.org>     -> +OK
C: QUIT
S: +OK [STORED name=1700000000.k1.mx1] ...
S: <closed>
M: recipients=ann@example.org,bob@example.org sender=<sender@example.com> size=7
M= hello\r\n
