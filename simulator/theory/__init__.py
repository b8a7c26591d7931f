"""Closed forms of queueing theory, used as cross-checks of a run and as oracles of the tests.

Every function is pure, takes SI floats and says which model it is the exact answer to, or how
far off the approximation is known to be. A queue offered more than it can serve has a mean wait
of infinity, which is what the functions return: an overload is an answer, not an error.
"""
