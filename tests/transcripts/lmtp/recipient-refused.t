# lmtp/recipient-refused.t   why: a refused RCPT removes only itself and gets no reply behind the dot (RFC 2033 4.2)
rcpt <ann@y> accepted
rcpt <bob@y> accepted
rcpt <later@y> temp
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>      -> 250 2.1.0
C: RCPT TO:<nobody@y>   -> 550 5.1.1
C: RCPT TO:<ann@y>      -> 250 2.1.5
C: RCPT TO:<later@y>    -> 451 4.3.0
C: RCPT TO:<bob@y>      -> 250 2.1.5
C: DATA                 -> 354
C: <body hello.eml>
S: 250 2.0.0 <ann@y> ...
S: 250 2.0.0 <bob@y> ...
M: recipients=ann@y,bob@y
