# store/results-in-order.t   why: with RESULTS one reply per accepted recipient, in the order of RCPT
rcpt gone@y no_user
outcome full@y quota
outcome moved@y moved
outcome known@y repeat 1.k.mx1
C: CAPA RESULTS               -> +OK [CAPA version=1] ...
C: SIZE 1                     -> +OK
C: NAME 2.k.mx1               -> +OK
C: PRTN p                     -> +OK
C: FROM <>                    -> +OK
C: RCPT <full@y>              -> +OK
C: RCPT <gone@y>              -> -ERR [NOUSER]
C: RCPT <ann@y>               -> +OK
C: RCPT <moved@y>             -> +OK
C: RCPT <known@y>             -> +OK
C: DATA
C= x
S: -ERR [QUOTA] <full@y> ...
S: +OK [STORED name=2.k.mx1] <ann@y> stored
S: -ERR [MOVED store2/mail7] <moved@y> ...
S: +OK [STORED name=1.k.mx1 repeat=yes] <known@y> stored
M: recipients=full@y,ann@y,moved@y,known@y
