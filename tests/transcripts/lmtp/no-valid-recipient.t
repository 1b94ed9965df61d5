# lmtp/no-valid-recipient.t   why: Postfix pipelines DATA behind RCPTs that are all refused: 503, never 354 (mta.md d.3)
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>      -> 250 2.1.0
C: RCPT TO:<nobody@y>   -> 550 5.1.1
C: RCPT TO:<noone@y>    -> 550 5.1.1
C: DATA                 -> 503 5.5.1
C: RSET                 -> 250
C: MAIL FROM:<a@x>      -> 250 2.1.0
C: DATA                 -> 503 5.5.1
M: none
