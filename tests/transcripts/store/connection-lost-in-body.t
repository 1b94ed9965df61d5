# store/connection-lost-in-body.t   why: a sender that dies early never looks finished (OpenSMTPD issue 1089)
C: SIZE 10                    -> +OK
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: FROM <>                    -> +OK
C: RCPT <a@y>                 -> +OK
C: DATA
C= 123456\r\n.
C: <close>
M: none
