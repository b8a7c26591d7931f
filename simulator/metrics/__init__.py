"""Pure functions from recordings to numbers. Nothing here knows how a recording came about."""
