# lmtp/verify-probe.t   why: Postfix verifies an address without DATA, then RSET and QUIT (mta.md d.5)
rcpt <ann@y> accepted
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<double-bounce@x>   -> 250
C: RCPT TO:<ann@y>   -> 250
C: RSET              -> 250
C: QUIT              -> 221
S: <closed>
M: none
