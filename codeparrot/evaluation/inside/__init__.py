"""What runs inside of the sandbox: a candidate's program, and apart from it the judge that calls its functions."""
