# store/size-zero.t   why: an empty message is a message; DATA is answered without any octet
C: CAPA RESULTS               -> +OK [CAPA version=1] ...
C: SIZE 0                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: FROM <s@x>                 -> +OK
C: RCPT <ann@y>               -> +OK
C: DATA                       -> +OK [STORED name=n] <ann@y> stored
C: SIZE 0                     -> +OK
C: NAME n2                    -> +OK
C: PRTN p                     -> +OK
C: DATA                       -> +OK [PENDING]
C: FROM <s@x>                 -> +OK
C: RCPT <bob@y>               -> +OK
C: QUIT                       -> +OK [STORED name=n2]
S: <closed>
M: size=0 recipients=ann@y
M=
M: size=0 recipients=bob@y
