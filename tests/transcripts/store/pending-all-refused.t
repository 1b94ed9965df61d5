# store/pending-all-refused.t   why: QUIT with nobody accepted stores nothing and says so
rcpt gone@y no_user
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: DATA
C= x                          -> +OK [PENDING]
C: FROM <s@x>                 -> +OK
C: RCPT <gone@y>              -> -ERR [NOUSER]
C: QUIT                       -> -ERR [TEMP]
S: <closed>
M: none
