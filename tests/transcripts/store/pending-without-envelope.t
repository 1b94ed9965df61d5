# store/pending-without-envelope.t   why: QUIT right after [PENDING] has nobody to store for
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: DATA
C= x                          -> +OK [PENDING]
C: QUIT                       -> -ERR [SYNTAX]
S: <closed>
M: none
