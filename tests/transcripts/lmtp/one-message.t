# lmtp/one-message.t   why: the shortest honest delivery (RFC 2033 4.2, RFC 5321 3.3)
rcpt <ann@y> accepted
S: 220 mx.example LMTP ...
C: LHLO mta.example
S: 250-mx.example
S: 250-PIPELINING
S: 250-8BITMIME
S: 250-ENHANCEDSTATUSCODES
S: 250-SIZE 67108864
S: 250-SMTPUTF8
S: 250 XFORWARD NAME ADDR PROTO HELO SOURCE PORT IDENT
C: MAIL FROM:<sender@x>   -> 250 2.1.0
C: RCPT TO:<ann@y>        -> 250 2.1.5
C: DATA                   -> 354
C: Subject: hello
C:
C: Hello, Ann.
C: .
S: 250 2.0.0 <ann@y> stored as NAME on store1/mail1
M: sender=<sender@x> recipients=ann@y helo=mta.example eight_bit=no smtputf8=no discarded=no
M= Subject: hello\r\n\r\nHello, Ann.\r\n
C: QUIT                   -> 221 2.0.0
S: <closed>
