# store/endless-line.t   why: swallowing ends somewhere
limit skipped 3000
C= \{2000}x
C= \{1001}x                   -> -ERR [SYNTAX]
S: <closed>
