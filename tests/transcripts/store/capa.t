# store/capa.t   why: CAPA tells all extensions in one line and turns on the ones it names; unknown ones are skipped
C: CAPA
S: +OK [CAPA version=1] RSET NOOP PIPELINING RESULTS PARAMS LOAD FULL SIZE=67108864 SERVER=homeward/test
C: CAPA results FUTURE=2 PARAMS
S: +OK [CAPA version=1] RSET NOOP PIPELINING RESULTS PARAMS LOAD FULL SIZE=67108864 SERVER=homeward/test
C: SIZE 1                     -> +OK
C: CAPA LOAD                  -> -ERR [SYNTAX]
C: NAME n                     -> +OK
C: PRTN p                     -> +OK
C: FROM <>                    -> +OK
C: RCPT <ann@y> EPOCH=1       -> +OK
C: DATA
C= x                          -> +OK [STORED name=n] <ann@y> stored
M: epochs=1
