# store/injected-original.t   why: xtext can spell a line end; it must not reach a header or a log
C: CAPA PARAMS                -> +OK [CAPA version=1] ...
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: FROM <s@x>                 -> +OK
C: RCPT <a@y> ORIG=a+0D+0AX:  -> -ERR [SYNTAX]
C: RCPT <a@y> ORIG=a+00       -> -ERR [SYNTAX]
C: RCPT <a@y> ORIG=a+7F       -> -ERR [SYNTAX]
C: RCPT <a@y> ORIG=a=b        -> -ERR [SYNTAX]
C: RCPT <a@y> ORIG=           -> -ERR [SYNTAX]
C: RCPT <a@y> ORIG=a+2Bb@y    -> +OK
C: DATA
C= x                          -> +OK [STORED name=n]
M: recipients=a@y originals=a+b@y
