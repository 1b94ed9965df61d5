# lmtp/reply-does-not-echo-octets.t   why: text from a peer is escaped in replies, and replies are cut at 512 octets (RFC 5321 4.5.3.1.5)
S: 220 ...
C: LHLO mta.example  -> 250
C= F\xff\x80O\r\n
S: 500 5.5.1 unknown command F\xff\x80O
C: \xC  -> 500 5.5.1
C= MAIL FROM:<a@x> \{600}z\r\n
S: 555 5.5.4 unknown parameter ...zzz
