# lmtp/too-many-idle-commands.t   why: NOOP for ever is not a session (reliability 8: junk commands)
limit idle_commands 4
S: 220 ...
C: LHLO mta   -> 250
C: NOOP       -> 250
C: RSET       -> 250
C: VRFY ann   -> 252 2.5.2
C: HELP       -> 421 4.7.0
S: <closed>
