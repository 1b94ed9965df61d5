# store/several-transactions.t   why: after the last reply to DATA the session is as new; nothing leaks
C: CAPA RESULTS PARAMS        -> +OK [CAPA version=1] ...
C: SIZE 3                     -> +OK
C: NAME 1.a.mx1               -> +OK
C: PRTN mail1                 -> +OK
C: FROM <one@x>               -> +OK
C: RCPT <ann@y> EPOCH=4 QUOTA=9000 ORIG=Ann@y   -> +OK
C: RCPT <bob@y>               -> +OK
C: DATA
C= abc
S: +OK [STORED name=1.a.mx1] <ann@y> stored
S: +OK [STORED name=1.a.mx1] <bob@y> stored
C: SIZE 2                     -> +OK
C: NAME 2.b.mx1               -> +OK
C: PRTN mail2                 -> +OK
C: FROM <>                    -> +OK
C: RCPT <eve@y>               -> +OK
C: DATA
C= de
S: +OK [STORED name=2.b.mx1] <eve@y> stored
C: QUIT                       -> +OK
S: <closed>
M: name=1.a.mx1 partition=mail1 sender=<one@x> recipients=ann@y,bob@y epochs=4,0 quotas=9000,0 originals=Ann@y,
M= abc
M: name=2.b.mx1 partition=mail2 sender=<> recipients=eve@y epochs=0
M= de
