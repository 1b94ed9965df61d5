# lmtp/mail-refused-then-pipelined.t   why: RCPT and DATA pipelined behind a refused MAIL are answered, and are no errors of the peer
rcpt <ann@y> accepted
rcpt <bob@y> accepted
limit message_size 1000
limit errors 2
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x> SIZE=5000  -> 552 5.3.4
C: RCPT TO:<ann@y>            -> 503 5.5.1
C: RCPT TO:<bob@y>            -> 503 5.5.1
C: RCPT TO:<ann@y>            -> 503 5.5.1
C: DATA                       -> 503 5.5.1
C: RSET                       -> 250
C: MAIL FROM:<a@x>            -> 250
C: RCPT TO:<ann@y>            -> 250
M: none
