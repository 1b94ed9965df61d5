# store/quit-in-each-state.t   why: QUIT before anything was begun
C: QUIT                       -> +OK
S: <closed>
C: NOOP
