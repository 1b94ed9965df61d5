# store/octets-cannot-be-kept.t   why: a full spool: the rest is swallowed, every accepted recipient is answered
C: CAPA RESULTS               -> +OK [CAPA version=1] ...
C: SIZE 8                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: FROM <>                    -> +OK
C: RCPT <a@y>                 -> +OK
C: RCPT <b@y>                 -> +OK
C: DATA
C= ab
E: body_failed
C= QUIT\r\n
S: -ERR [FULL] <a@y> ...
S: -ERR [FULL] <b@y> ...
C: NOOP                       -> +OK
M: none
