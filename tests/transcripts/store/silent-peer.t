# store/silent-peer.t   why: nothing is said to a silent peer: it could be taken for another command's answer
C: SIZE 1                     -> +OK
C: NAME n                     -> +OK
E: timed_out
S: <closed>
M: none
