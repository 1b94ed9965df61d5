# store/leftovers-after-an-error.t   why: state left over after an error: DATA accepted without RCPT (Postfix 2026 audit)
outcome ann@y temp
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: FROM <s@x>                 -> +OK
C: RCPT <ann@y>               -> +OK
C: DATA
C= x                          -> -ERR [TEMP]
C: RCPT <bob@y>               -> -ERR [SYNTAX]
C: FROM <s@x>                 -> -ERR [SYNTAX]
C: SIZE 1                     -> -ERR [SYNTAX]
C: RSET                       -> +OK
C: DATA                       -> -ERR [SYNTAX]
S: <closed>
M: recipients=ann@y
