# store/all-refused.t   why: an envelope all of whose recipients were refused is not "DATA first"
rcpt gone@y no_user
C: CAPA RESULTS               -> +OK [CAPA version=1] ...
C: SIZE 6                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: FROM <s@x>                 -> +OK
C: RCPT <gone@y>              -> -ERR [NOUSER]
C: DATA
C= NOOP\r\n
S: -ERR [TEMP] ...
C: NOOP                       -> +OK
C: RCPT <ann@y>               -> -ERR [SYNTAX]
C: QUIT                       -> +OK
S: <closed>
M: none
