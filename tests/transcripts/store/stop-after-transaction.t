# store/stop-after-transaction.t   why: what was begun is finished; what was not begun is not
C: SIZE 1                     -> +OK
E: shutting_down
C= NAME n\r\nPRTN p\r\nFROM <>\r\nRCPT <a@y>\r\nDATA\r\nxSIZE 1\r\n
S: +OK
S: +OK
S: +OK
S: +OK
S: +OK [STORED name=n] ...
S: <closed>
M: recipients=a@y
