# store/store-too-slow.t   why: a delivery over its time is answered for everybody, then the line is cut
deliveries held
C: CAPA RESULTS               -> +OK [CAPA version=1] ...
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: FROM <>                    -> +OK
C: RCPT <a@y>                 -> +OK
C: RCPT <b@y>                 -> +OK
C: DATA
C= x
E: timed_out
S: -ERR [TEMP] <a@y> ...
S: -ERR [TEMP] <b@y> ...
S: <closed>
