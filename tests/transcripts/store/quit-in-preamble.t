# store/quit-in-preamble.t   why: +OK to QUIT must not sound like a commitment
C: SIZE 1                     -> +OK
C: QUIT                       -> -ERR [SYNTAX]
S: <closed>
