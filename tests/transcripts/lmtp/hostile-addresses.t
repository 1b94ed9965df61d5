# lmtp/hostile-addresses.t   why: addresses aimed at the line protocol, at paths and at logs are refused or are nobody (reliability 5)
rcpt <ann@y> accepted
S: 220 ...
C: LHLO mta.example  -> 250
C= MAIL FROM:<"a\\\x01"@x>\r\n      -> 500 5.5.2
C= MAIL FROM:<"a\r\nRCPT TO:<ann@y>\r\n
S: 501 5.5.4 ...
S: 503 5.5.1 ...
C: MAIL FROM:<a@x>                 -> 250
C= RCPT TO:<"a\nb"@y>\r\n
S: 500 5.5.2 ...
S: 500 5.5.1 ...
C= RCPT TO:<"a\0b"@y>\r\n            -> 500 5.5.2
C: RCPT TO:<../../etc/passwd@y>    -> 550 5.1.1
C: RCPT TO:<ann@y/../x>            -> 501 5.1.3
C: RCPT TO:<ann@y> ; rm -rf        -> 555 5.5.4
C: RCPT TO:<`reboot`@y>            -> 550 5.1.1
C= RCPT TO:<\{255}a@y>\r\n          -> 501 5.1.3
C= RCPT TO:<a@\{64}b.y>\r\n         -> 501 5.1.3
C= RCPT TO:<ann\xc0\xafx@y>\r\n      -> 501 5.1.3
M: none
