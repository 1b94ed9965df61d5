# store/pending-octets-lost.t   why: a spool file that failed after [PENDING] fails QUIT
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: DATA
C= x                          -> +OK [PENDING]
E: body_failed
C: FROM <s@x>                 -> -ERR [FULL]
C: QUIT                       -> -ERR [FULL]
S: <closed>
M: none
