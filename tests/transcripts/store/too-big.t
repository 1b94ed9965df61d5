# store/too-big.t   why: a message a little over the limit is swallowed and refused; the connection lives
limit size 10
limit surplus 5
C: SIZE 15                    -> -ERR [TOOBIG]
C: NAME n                     -> -ERR [TOOBIG]
C: PRTN p                     -> -ERR [TOOBIG]
C: FROM <s@x>                 -> -ERR [TOOBIG]
C: RCPT <ann@y>               -> -ERR [TOOBIG]
C: DATA
C= 0123456789NOOP\n           -> -ERR [TOOBIG]
C: SIZE 10                    -> +OK
C: RSET                       -> +OK
C: SIZE 16                    -> -ERR [TOOBIG]
S: <closed>
M: none
