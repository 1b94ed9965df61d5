# store/close-abandons-pending.t   why: a connection that ends without QUIT commits nothing
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: DATA
C= x                          -> +OK [PENDING]
C: FROM <s@x>                 -> +OK
C: RCPT <ann@y>               -> +OK
C: <close>
M: none
