# store/quit-in-envelope.t   why: an envelope without DATA stores nothing
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: FROM <s@x>                 -> +OK
C: RCPT <ann@y>               -> +OK
C: QUIT                       -> -ERR [SYNTAX]
S: <closed>
M: none
