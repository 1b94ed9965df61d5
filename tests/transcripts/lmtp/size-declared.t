# lmtp/size-declared.t   why: SIZE over the limit is refused before the octets travel (RFC 1870 6.1)
rcpt <ann@y> accepted
limit message_size 1000
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x> SIZE=1001                    -> 552 5.3.4
C: MAIL FROM:<a@x> SIZE=99999999999999999999    -> 552 5.3.4
C: MAIL FROM:<a@x> SIZE=                        -> 501 5.5.4
C: MAIL FROM:<a@x> SIZE=-1                      -> 501 5.5.4
C: MAIL FROM:<a@x> SIZE=1 SIZE=2                -> 501 5.5.4
C: MAIL FROM:<a@x> SIZE                         -> 501 5.5.4
C: MAIL FROM:<a@x> SIZE=1000                    -> 250 2.1.0
C: RCPT TO:<ann@y>                              -> 250
C: DATA                                         -> 354
C: <body hello.eml>
S: 250 2.0.0 ...
M: declared=1000
