# lmtp/other-commands.t   why: the commands around mail (RFC 5321 4.1.1)
S: 220 ...
C: NOOP              -> 250 2.0.0
C: noop with words   -> 250 2.0.0
C: HELP
S: 214-2.0.0 ...
S: 214 2.0.0 ...
C: VRFY              -> 501 5.5.4
C: VRFY ann          -> 252 2.5.2
C: EXPN staff        -> 500 5.5.1
C: RSET now          -> 501 5.5.4
C: RSET              -> 250 2.0.0
C: QUIT now          -> 501 5.5.4
C: Quit              -> 221 2.0.0
S: <closed>
