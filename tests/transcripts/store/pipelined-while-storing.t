# store/pipelined-while-storing.t   why: what follows a DATA waits for its results and is not lost
deliveries held
C= SIZE 1\r\nNAME n\r\nPRTN p\r\nFROM <>\r\nRCPT <ann@y>\r\nDATA\r\nxNOOP\r\nQUIT\r\n
S: +OK
S: +OK
S: +OK
S: +OK
S: +OK
E: delivered
S: +OK [STORED name=n] ...
S: +OK
S: +OK
S: <closed>
