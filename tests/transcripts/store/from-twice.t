# store/from-twice.t   why: a second FROM refuses the transaction: whose Return-Path would it be?
C: CAPA RESULTS               -> +OK [CAPA version=1] ...
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: FROM <s@x>                 -> +OK
C: RCPT <ann@y>               -> +OK
C: FROM <t@x>                 -> -ERR [SYNTAX]
C: RCPT <bob@y>               -> -ERR [SYNTAX]
C: DATA
C= x                          -> -ERR [SYNTAX] <ann@y> ...
C: NOOP                       -> +OK
M: none
