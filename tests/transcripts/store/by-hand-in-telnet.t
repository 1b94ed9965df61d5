# store/by-hand-in-telnet.t   why: a person types: lower case, lone LF, bare addresses, more spaces, any NAME
C= size 12\n                  -> +OK
C= name  test1 \n             -> +OK
C= prtn mail1\n               -> +OK
C= from ann@example.com\n     -> +OK
C= Rcpt bob@example.org\n     -> +OK
C= noop\n                     -> +OK
C= data\n
C= hello\r\nbob\r\n
S: +OK [STORED name=test1] ...
M: name=test1 sender=<ann@example.com> recipients=bob@example.org
C= quit\n                     -> +OK
S: <closed>
