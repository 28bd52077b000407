"""The desk at a terminal: what an operator sees of refused messages and does about them."""
