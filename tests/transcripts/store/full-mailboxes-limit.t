# store/full-mailboxes-limit.t   why: FULL tells no more mailboxes than its limit, and goes on behind a pipelined one
limit usages 1
usage mail1 bob@y 130 100 12
usage mail2 ann@y 95 100 0
C: FULL
C: NOOP
C: FULL
S: +OK [USAGE count=1]
S: +OK [USAGE partition=mail1 used=130 limit=100 age=12] <bob@y>
S: +OK
S: +OK [USAGE count=1]
S: +OK [USAGE partition=mail1 used=130 limit=100 age=12] <bob@y>
