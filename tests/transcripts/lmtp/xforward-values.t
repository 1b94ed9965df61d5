# lmtp/xforward-values.t   why: XFORWARD values are xtext and may be unavailable (XFORWARD_README); a malformed one is refused
rcpt <ann@y> accepted
S: 220 ...
C: LHLO mta.example  -> 250
C: XFORWARD IDENT=[UNAVAILABLE] NAME=[TEMPUNAVAIL]   -> 250
C: XFORWARD ident=a+2Bb+20c   -> 250
C: XFORWARD IDENT=+4          -> 501 5.5.4
C: XFORWARD IDENT=+ZZ         -> 501 5.5.4
C: XFORWARD FLAVOUR=sweet     -> 501 5.5.4
C: XFORWARD IDENT             -> 501 5.5.4
C: XFORWARD                   -> 501 5.5.4
C: MAIL FROM:<a@x>   -> 250
C: RCPT TO:<ann@y>   -> 250
C: DATA              -> 354
C: <body hello.eml>
S: 250 2.0.0 ...
M: ident=a+b discarded=no
