# lmtp/a-delivery-forgives.t   why: sendmail and Postfix keep a connection for many messages with RSET between: the counters start again
rcpt <ann@y> accepted
limit errors 2
limit idle_commands 3
S: 220 ...
C: LHLO mta   -> 250
C: RSET       -> 250
C: FOO        -> 500
C: MAIL FROM:<a@x>   -> 250
C: RCPT TO:<ann@y>   -> 250
C: DATA              -> 354
C: <body hello.eml>
S: 250 2.0.0 ...
C: RSET       -> 250
C: FOO        -> 500
C: RSET       -> 250
C: NOOP       -> 250
C: FOO
S: 500 5.5.1 ...
S: 421 4.7.0 ...
S: <closed>
