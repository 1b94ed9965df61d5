# store/partition-denied.t   why: what a peer may not write to is told with its own code
partition secret denied
partition broken full
C: SIZE 1                     -> +OK
C: PRTN secret                -> -ERR [DENIED]
C: RSET                       -> +OK
C: PRTN broken                -> -ERR [FULL]
C: RSET                       -> +OK
C: PRTN ../mail1              -> -ERR [SYNTAX]
C: RSET                       -> +OK
C: PRTN /srv/mail             -> -ERR [SYNTAX]
C: RSET                       -> +OK
C: PRTN .hidden               -> -ERR [SYNTAX]
C: RSET                       -> +OK
M: none
