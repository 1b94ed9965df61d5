# store/same-mailbox-twice.t   why: N accepted RCPTs have N results, also when they are the same
C: CAPA RESULTS               -> +OK [CAPA version=1] ...
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: FROM <>                    -> +OK
C: RCPT <a@y>                 -> +OK
C: RCPT <a@y>                 -> +OK
C: DATA
C= x
S: +OK [STORED name=n] <a@y> stored
S: +OK [STORED name=n] <a@y> stored
M: recipients=a@y,a@y
