# store/data-without-size.t   why: nobody knows how many octets follow a DATA without SIZE
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: DATA                       -> -ERR [SYNTAX]
S: <closed>
C: RCPT <ann@y>
M: none
