# store/size-while-pending.t   why: a new SIZE while a message is pending would be counted wrongly later
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: DATA
C= x                          -> +OK [PENDING]
C: SIZE 1000                  -> -ERR [SYNTAX]
S: <closed>
M: none
