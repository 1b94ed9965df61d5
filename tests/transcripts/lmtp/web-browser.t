# lmtp/web-browser.t   why: a browser made to post to our port must not get as far as mail commands (cross-protocol requests)
rcpt <ann@y> accepted
S: 220 ...
C= POST / HTTP/1.1\r\nHost: mx.example\r\n\r\nLHLO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<ann@y>\r\nDATA\r\nspam\r\n.\r\n
S: 421 4.7.0 ...
S: <closed>
M: none
