# store/load.t   why: with LOAD the last result, NOOP and PRTN carry the store's figures, and only then
load 12 3 500 1000 0.1.0
C: NOOP                       -> +OK
C: CAPA LOAD RESULTS          -> +OK [CAPA version=1] ...
C: NOOP                       -> +OK [LOAD busy=12 sessions=3 free=500 total=1000 version=0.1.0]
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK [PRTN free=500 total=1000] ...
C: FROM <>                    -> +OK
C: RCPT <ann@y>               -> +OK
C: RCPT <bob@y>               -> +OK
C: DATA
C= x
S: +OK [STORED name=n] <ann@y> stored
S: +OK [STORED name=n busy=12 sessions=3 free=500 total=1000 version=0.1.0] <bob@y> stored
