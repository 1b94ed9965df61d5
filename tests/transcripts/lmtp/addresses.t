# lmtp/addresses.t   why: what RFC 5321 4.1.2 allows as a path, and what it does not
rcpt <ann@y> accepted
rcpt <"two words"@y> accepted
rcpt <"a>b"@y> accepted
rcpt <ann@[192.0.2.1]> accepted
rcpt <Postmaster> accepted
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<@relay.example,@b.example:a@x>   -> 250 2.1.0
C: RCPT TO:<"two words"@y>          -> 250 2.1.5
C: RCPT TO:<"a>b"@y>                -> 250 2.1.5
C: RCPT TO:<ann@[192.0.2.1]>        -> 250 2.1.5
C: RCPT TO:<Postmaster>             -> 250 2.1.5
C: RCPT TO:<@relay.example:ann@y>   -> 250 2.1.5
C: RCPT TO: <"ann"@y>               -> 250 2.1.5
C: RCPT TO:<>                       -> 501 5.1.3
C: RCPT TO:<ann@>                   -> 501 5.1.3
C: RCPT TO:<@y>                     -> 501 5.1.3
C: RCPT TO:<ann@y@z>                -> 501 5.1.3
C: RCPT TO:<ann@y..z>               -> 501 5.1.3
C: RCPT TO:<a nn@y>                 -> 501 5.1.3
C: RCPT TO:ann@y                    -> 501 5.5.4
C: RCPT TO:<ann@y                   -> 501 5.5.4
C: RCPT TO:<ann@y>x                 -> 501 5.5.4
C: RCPT                             -> 501 5.5.4
C: DATA                             -> 354
C: <body hello.eml>
S: 250 2.0.0 <"two words"@y> ...
S: 250 2.0.0 <"a>b"@y> ...
S: 250 2.0.0 <ann@[192.0.2.1]> ...
S: 250 2.0.0 <Postmaster> ...
S: 250 2.0.0 <ann@y> ...
S: 250 2.0.0 <ann@y> ...
