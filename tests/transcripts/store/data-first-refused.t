# store/data-first-refused.t   why: after a refused DATA that came first QUIT must not sound like a commitment
partition gone no_partition
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN gone                  -> -ERR [NOPRTN]
C: DATA
C= x                          -> -ERR [NOPRTN]
C: FROM <s@x>                 -> -ERR [NOPRTN]
C: RCPT <ann@y>               -> -ERR [NOPRTN]
C: QUIT                       -> -ERR [NOPRTN]
S: <closed>
M: none
