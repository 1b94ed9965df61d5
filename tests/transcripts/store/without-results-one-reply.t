# store/without-results-one-reply.t   why: a base client gets one reply; +OK only if all are safe
outcome full@y quota
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: FROM <>                    -> +OK
C: RCPT <ann@y>               -> +OK
C: RCPT <full@y>              -> +OK
C: DATA
C= x                          -> -ERR [QUOTA] 1 of 2 ...
C: NOOP                       -> +OK
M: recipients=ann@y,full@y
