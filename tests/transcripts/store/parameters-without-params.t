# store/parameters-without-params.t   why: a base server must not guess at words behind an address
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: FROM <s@x> SIZE=1          -> -ERR [SYNTAX]
C: RSET                       -> +OK
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: FROM <s@x>                 -> +OK
C: RCPT <a@y> ORIG=a@y        -> -ERR [SYNTAX]
C: RCPT <a@y>                 -> +OK
C: DATA
C= x                          -> +OK [STORED name=n]
M: recipients=a@y originals=
