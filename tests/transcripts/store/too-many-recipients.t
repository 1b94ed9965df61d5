# store/too-many-recipients.t   why: the surplus recipient is to be sent again, the others are served
limit recipients 2
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: FROM <>                    -> +OK
C: RCPT <a@y>                 -> +OK
C: RCPT <b@y>                 -> +OK
C: RCPT <c@y>                 -> -ERR [TEMP]
C: DATA
C= x                          -> +OK [STORED name=n]
M: recipients=a@y,b@y
