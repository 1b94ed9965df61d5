# lmtp/too-many-errors.t   why: a peer that only makes errors is sent away (reliability 8)
limit errors 3
S: 220 ...
C: LHLO mta.example  -> 250
C: FOO           -> 500 5.5.1
C: BDAT 5 LAST   -> 500 5.5.1
C: STARTTLS
S: 500 5.5.1 ...
S: 421 4.7.0 ...
S: <closed>
