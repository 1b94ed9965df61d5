# store/partition-refused.t   why: a refused PRTN refuses the transaction; its octets are consumed, not obeyed
partition gone no_partition
C: SIZE 12                    -> +OK
C: NAME n                     -> +OK
C: PRTN gone                  -> -ERR [NOPRTN]
C: FROM <s@x>                 -> -ERR [NOPRTN]
C: RCPT <ann@y>               -> -ERR [NOPRTN]
C: DATA
C= QUIT\r\nRSET\r\n           -> -ERR [NOPRTN]
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN mail1                 -> +OK
C: FROM <s@x>                 -> +OK
C: RCPT <ann@y>               -> +OK
C: DATA
C= x                          -> +OK [STORED name=n]
M: partition=mail1
