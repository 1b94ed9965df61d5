# store/parameters.t   why: parameters need PARAMS, are known, numbers, and given once
C: CAPA PARAMS                -> +OK [CAPA version=1] ...
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: FROM <s@x>                 -> +OK
C: RCPT <a@y> EPOCH=1 EPOCH=1 -> -ERR [SYNTAX]
C: RCPT <a@y> EPOCH=x         -> -ERR [SYNTAX]
C: RCPT <a@y> EPOCH           -> -ERR [SYNTAX]
C: RCPT <a@y> FUTURE=1        -> -ERR [SYNTAX]
C: RCPT <a@y>EPOCH=1          -> -ERR [SYNTAX]
C: RCPT a@y epoch=18446744073709551615 quota=18446744073709551615  -> +OK
C: RCPT <b@y>  QUOTA=0  EPOCH=2  -> +OK
C: DATA
C= x                          -> +OK [STORED name=n]
M: recipients=a@y,b@y epochs=18446744073709551615,2 quotas=18446744073709551615,0
