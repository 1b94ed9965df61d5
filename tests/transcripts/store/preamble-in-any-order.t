# store/preamble-in-any-order.t   why: SIZE, NAME and PRTN may come in any order, all before FROM
C: PRTN mail1                 -> +OK
C: NAME n1                    -> +OK
C: SIZE 2                     -> +OK
C: FROM <>                    -> +OK
C: RCPT <ann@y>               -> +OK
C: DATA
C= ab                         -> +OK [STORED name=n1]
M: sender=<> name=n1 partition=mail1
