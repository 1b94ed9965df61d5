# store/size-negative.t   why: a sign is no digit
C: SIZE -1                    -> -ERR [SYNTAX]
S: <closed>
