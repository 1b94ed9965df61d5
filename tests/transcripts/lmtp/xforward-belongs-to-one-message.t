# lmtp/xforward-belongs-to-one-message.t   why: the queue id of one message must not name the next (reliability 2: state left over)
rcpt <ann@y> accepted
S: 220 ...
C: LHLO mta.example  -> 250
C: XFORWARD IDENT=first   -> 250
C: MAIL FROM:<a@x>   -> 250
C: XFORWARD IDENT=late   -> 503 5.5.1
C: RCPT TO:<ann@y>   -> 250
C: DATA              -> 354
C: <body hello.eml>
S: 250 2.0.0 ...
M: ident=first
C: MAIL FROM:<a@x>   -> 250
C: RCPT TO:<ann@y>   -> 250
C: DATA              -> 354
C: <body hello.eml>
S: 250 2.0.0 ...
M: ident= size=117
C: XFORWARD IDENT=dropped   -> 250
C: RSET              -> 250
C: MAIL FROM:<a@x>   -> 250
C: RCPT TO:<ann@y>   -> 250
C: DATA              -> 354
C: <body hello.eml>
S: 250 2.0.0 ...
M: ident= size=117
