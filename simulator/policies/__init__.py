"""What a caller does about slow and failing callees, and a callee about too many calls."""
