# store/size-not-believable.t   why: after a SIZE that is no number nobody knows what is a command
C: SIZE 12x                   -> -ERR [SYNTAX]
S: <closed>
C: NAME n
C: DATA
M: none
