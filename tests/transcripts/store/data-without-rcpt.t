# store/data-without-rcpt.t   why: once FROM was seen DATA needs a recipient; it is not "DATA first"
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: FROM <s@x>                 -> +OK
C: DATA
C= x                          -> -ERR [TEMP]
C: RCPT <ann@y>               -> -ERR [SYNTAX]
C: QUIT                       -> +OK
S: <closed>
M: none
