# store/full-mailboxes.t   why: FULL tells how many lines follow, then one for each mailbox; between transactions only
usage mail1 bob@y 130 100 12
usage mail2 ann@y 95 100 0
C: FULL
S: +OK [USAGE count=2]
S: +OK [USAGE partition=mail1 used=130 limit=100 age=12] <bob@y>
S: +OK [USAGE partition=mail2 used=95 limit=100 age=0] <ann@y>
C: full
S: +OK [USAGE count=2]
S: +OK [USAGE partition=mail1 used=130 limit=100 age=12] <bob@y>
S: +OK [USAGE partition=mail2 used=95 limit=100 age=0] <ann@y>
C: FULL mail1                 -> -ERR [SYNTAX]
C: SIZE 1                     -> +OK
C: FULL                       -> -ERR [SYNTAX]
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: FROM <>                    -> +OK
C: FULL                       -> -ERR [SYNTAX]
C: RCPT <ann@y>               -> +OK
C: DATA
C= x                          -> +OK [STORED name=n] stored for 1 recipient
C: FULL
S: +OK [USAGE count=2]
S: +OK [USAGE partition=mail1 used=130 limit=100 age=12] <bob@y>
S: +OK [USAGE partition=mail2 used=95 limit=100 age=0] <ann@y>
M: recipients=ann@y
