# store/from-too-early.t   why: FROM before the preamble is complete refuses the transaction
C: SIZE 2                     -> +OK
C: NAME n1                    -> +OK
C: FROM <s@x>                 -> -ERR [SYNTAX]
C: PRTN mail1                 -> -ERR [SYNTAX]
C: RCPT <ann@y>               -> -ERR [SYNTAX]
C: DATA
C= ab                         -> -ERR [SYNTAX]
C: NOOP                       -> +OK
M: none
