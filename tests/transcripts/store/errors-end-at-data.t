# store/errors-end-at-data.t   why: the last error allowed is a DATA: it is answered, nothing is stored
limit errors 1
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: DATA                       -> -ERR [SYNTAX]
S: <closed>
C= x
M: none
