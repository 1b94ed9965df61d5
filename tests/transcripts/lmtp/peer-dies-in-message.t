# lmtp/peer-dies-in-message.t   why: unfinished data is never stored, also when it ends just before the last LF (fault F24)
rcpt <ann@y> accepted
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>   -> 250
C: RCPT TO:<ann@y>   -> 250
C: DATA              -> 354
C= half a message\r\n.\r
C: <close>
S: <closed>
M: discarded=interrupted
