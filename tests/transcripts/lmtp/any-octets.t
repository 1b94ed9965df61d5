# lmtp/any-octets.t   why: NUL, 8-bit, control octets and endless lines are stored as they came (reliability promise 17)
rcpt <ann@y> accepted
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x> BODY=8BITMIME   -> 250
C: RCPT TO:<ann@y>   -> 250
C: DATA              -> 354
C= \0\x01\x1b\x7f\x80\xff\r\n\{5000}x\r\n\r\r\n\n\n\r\n.\r\n
S: 250 2.0.0 ...
M: size=5017 eight_bit=yes
M= \0\x01\x1b\x7f\x80\xff\r\n\{5000}x\r\n\r\r\n\n\n\r\n
