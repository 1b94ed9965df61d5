# lmtp/dots.t   why: dot-stuffing is undone at the start of a line only (RFC 5321 4.5.2)
rcpt <ann@y> accepted
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>   -> 250
C: RCPT TO:<ann@y>   -> 250
C: DATA              -> 354
C: ..
C: ...two
C: .one
C: in.the..middle
C: end.
C: .
S: 250 2.0.0 ...
M: size=37
M= .\r\n..two\r\none\r\nin.the..middle\r\nend.\r\n
