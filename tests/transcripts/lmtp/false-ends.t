# lmtp/false-ends.t   why: only CR LF . CR LF ends a message: no input smuggles a second one (reliability promise 16)
rcpt <ann@y> accepted
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>   -> 250
C: RCPT TO:<ann@y>   -> 250
C: DATA              -> 354
C= a\n.\nMAIL FROM:<evil@x>\r\n
C= b\n.\r\nRCPT TO:<ann@y>\r\n
C= c\r.\rDATA\r\n
C= d\r\n.\nQUIT\r\n
C= e\r\n.\r\r\n
C= f\0\r\n..\r\n
C= \r.\r\n
C= .\r\n
S: 250 2.0.0 <ann@y> ...
M: recipients=ann@y
M= a\n.\nMAIL FROM:<evil@x>\r\nb\n.\r\nRCPT TO:<ann@y>\r\nc\r.\rDATA\r\nd\r\n\nQUIT\r\ne\r\n\r\r\nf\0\r\n.\r\n\r.\r\n
C: NOOP   -> 250
