# store/body-from-a-file.t   why: a real message with headers, followed at once by the next command
C: SIZE 183                   -> +OK
C: NAME 1700000000.k.mx1      -> +OK
C: PRTN mail1                 -> +OK
C: FROM <ann@example.com>     -> +OK
C: RCPT <bob@example.org>     -> +OK
C: DATA
C: <body hello.eml>
S: +OK [STORED name=1700000000.k.mx1] ...
C: QUIT                       -> +OK
S: <closed>
M: size=183
