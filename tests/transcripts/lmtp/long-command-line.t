# lmtp/long-command-line.t   why: a line over the limit is refused as one, whatever is in it (RFC 5321 4.5.3.1.4)
limit command_line 64
S: 220 ...
C: LHLO mta.example  -> 250
C= NOOP \{57}x\r\n    -> 250
C= NOOP \{58}x\r\n    -> 500 5.5.2
C= \{100000}x\r\n     -> 500 5.5.2
C= \{70}x\n            -> 500 5.5.2
C: NOOP                -> 250
