# store/over-long-size.t   why: a SIZE that was not read whole cannot be believed
C= SIZE 1\{1100} \r\n         -> -ERR [SYNTAX]
S: <closed>
