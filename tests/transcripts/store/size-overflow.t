# store/size-overflow.t   why: absurd sizes end the connection
C: SIZE 18446744073709551616  -> -ERR [SYNTAX]
S: <closed>
