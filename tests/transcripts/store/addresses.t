# store/addresses.t   why: null sender, quoted local parts, 8-bit, no domain, plus (RFC 5321 4.1.2, RFC 6531)
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: FROM <"a>b\"c"@x>          -> +OK
C: RCPT <"odd>one"@y>         -> +OK
C: RCPT <postmaster>          -> +OK
C: RCPT <ann+news=x@y>        -> +OK
C= RCPT <\xc3\xa4nn@\xc3\xb6.example>\r\n   -> +OK
C: RCPT <@a,@b:ann@y>         -> +OK
C: DATA
C= x                          -> +OK [STORED name=n]
M: sender=<"a>b\"c"@x> recipients="odd>one"@y,postmaster,ann+news=x@y,änn@ö.example,@a,@b:ann@y
