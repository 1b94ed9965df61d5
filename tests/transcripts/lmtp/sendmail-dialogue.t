# lmtp/sendmail-dialogue.t   why: sendmail's client: no space behind From: and To:, bare local parts, RSET between messages (mta.md a.5)
rcpt <u3+det> accepted as u3@lab.test
rcpt <u2> accepted as u2@lab.test
outcome u2@lab.test temp
S: 220 ...
C: LHLO mx.lab.test   -> 250
C: MAIL From:<a@b> SIZE=321 BODY=8BITMIME   -> 250 2.1.0
C: RCPT To:<u3+det>   -> 250 2.1.5
C: RCPT To:<u2>       -> 250 2.1.5
C: RCPT To:<u1>       -> 550 5.1.1
C: DATA               -> 354
C: <body hello.eml>
S: 250 2.0.0 <u3+det> ...
S: 451 4.3.0 <u2> ...
M: sender=<a@b> recipients=u3@lab.test,u2@lab.test eight_bit=yes declared=321
C: RSET               -> 250 2.0.0
C: MAIL From:<a@b> SIZE=321   -> 250 2.1.0
C: RCPT To:<u2>       -> 250 2.1.5
C: DATA               -> 354
C: <body hello.eml>
S: 451 4.3.0 <u2> ...
M: recipients=u2@lab.test
C: QUIT               -> 221
S: <closed>
