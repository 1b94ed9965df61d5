# store/no-full-mailboxes.t   why: FULL of a store that knows of no full mailbox is one line
C: FULL                       -> +OK [USAGE count=0]
C: QUIT                       -> +OK
S: <closed>
