"""Exit codes: k6's where k6 has one."""

OK = 0
BUG = 1
USAGE = 2
NOT_TRUSTED = 3
DIFFERENT = 4
THRESHOLD_FAILED = 99
INTERRUPTED = 130
