"""Load: arrival processes, and documents that describe them."""
