# lmtp/smtp-greeting-refused.t   why: HELO and EHLO must not succeed on LMTP (RFC 2033 4.1)
S: 220 ...
C: HELO mta.example   -> 500 5.5.1
C: EHLO mta.example   -> 500 5.5.1
C: MAIL FROM:<a@x>    -> 503 5.5.1
C: LHLO               -> 501 5.5.4
C: lhlo mta.example   -> 250
