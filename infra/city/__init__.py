"""A city that never was: a deterministic stream of contract events, and the truth beside it."""
