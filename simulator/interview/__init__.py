"""Numbers to say aloud, with their derivations."""
