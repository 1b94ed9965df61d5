# store/unknown-verbs.t   why: unknown and misspelt verbs change nothing
C: SIZE 1                     -> +OK
C: MAIL FROM:<s@x>            -> -ERR [SYNTAX]
C: NAME n                     -> +OK
C:  PRTN p                    -> -ERR [SYNTAX]
C: PRTN p                     -> +OK
C: FROMM <x>                  -> -ERR [SYNTAX]
C: FROM <s@x>                 -> +OK
C: RCPT <a@y>                 -> +OK
C: NOOP x                     -> -ERR [SYNTAX]
C: RSET x                     -> -ERR [SYNTAX]
C: DATA
C= x                          -> +OK [STORED name=n]
M: recipients=a@y
