# store/one-refused-recipient.t   why: a refused RCPT removes only itself, whatever was wrong with it
rcpt gone@y no_user
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: FROM <s@x>                 -> +OK
C: RCPT <gone@y>              -> -ERR [NOUSER]
C: RCPT                       -> -ERR [SYNTAX]
C: RCPT <>                    -> -ERR [SYNTAX]
C: RCPT <ann@y                -> -ERR [SYNTAX]
C: RCPT <bob@y> EPOCH=1       -> -ERR [SYNTAX]
C= RCPT <\{1100}x>\r\n        -> -ERR [SYNTAX]
C: RCPT <ann@y>               -> +OK
C: DATA
C= x                          -> +OK [STORED name=n]
M: recipients=ann@y
