# store/size-twice.t   why: two sizes for one DATA cannot both be believed
C: SIZE 5                     -> +OK
C: SIZE 6                     -> -ERR [SYNTAX]
S: <closed>
