# lmtp/outcome-too-late.t   why: when the driver gives up, every recipient learns that a duplicate is possible; late outcomes are nobody else's
rcpt <ann@y> accepted
rcpt <bob@y> accepted
deliveries held
S: 220 ...
C: LHLO mta.example  -> 250
C: MAIL FROM:<a@x>   -> 250
C: RCPT TO:<ann@y>   -> 250
C: RCPT TO:<bob@y>   -> 250
C: DATA              -> 354
C: <body hello.eml>
E: timed_out
S: 451 4.4.2 <ann@y> ... duplicate is possible
S: 451 4.4.2 <bob@y> ... duplicate is possible
E: delivered 1
C: MAIL FROM:<b@x>   -> 250
C: RCPT TO:<bob@y>   -> 250
C: DATA              -> 354
C: <body hello.eml>
E: delivered 1
E: delivered 2
S: 250 2.0.0 <bob@y> ...
