"""The command line of Liên thông: the same commands against a local stack and against AWS."""
