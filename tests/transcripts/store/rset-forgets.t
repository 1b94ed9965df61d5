# store/rset-forgets.t   why: sabotage S8: RSET keeps recipients
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: FROM <s@x>                 -> +OK
C: RCPT <ann@y>               -> +OK
C: RSET                       -> +OK
C: RCPT <eve@y>               -> -ERR [SYNTAX]
C: SIZE 2                     -> +OK
C: NAME n2                    -> +OK
C: PRTN p2                    -> +OK
C: FROM <>                    -> +OK
C: RCPT <bob@y>               -> +OK
C: DATA
C= xy                         -> +OK [STORED name=n2]
M: name=n2 partition=p2 sender=<> recipients=bob@y size=2
