# lmtp/parameters.t   why: parameters nobody announced are refused (RFC 5321 4.1.1.11); DSN is not announced
rcpt <ann@y> accepted
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x> RET=HDRS              -> 555 5.5.4
C: MAIL FROM:<a@x> ENVID=1               -> 555 5.5.4
C: MAIL FROM:<a@x> AUTH=<>               -> 555 5.5.4
C: MAIL FROM:<a@x> BODY=BINARYMIME       -> 501 5.5.4
C: MAIL FROM:<a@x> BODY                  -> 501 5.5.4
C: MAIL FROM:a@x                         -> 501 5.5.4
C: MAIL                                  -> 501 5.5.4
C: MAIL TO:<a@x>                         -> 501 5.5.4
C: mail from: <a@x>  size=10  body=7bit  -> 250 2.1.0
C: RCPT TO:<ann@y> NOTIFY=NEVER          -> 555 5.5.4
C: RCPT TO:<ann@y> ORCPT=rfc822;ann@y    -> 555 5.5.4
C: rcpt to:<ann@y>                       -> 250 2.1.5
