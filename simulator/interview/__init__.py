"""Numbers to say aloud: figures rounded with their derivation, and the one-page card."""
