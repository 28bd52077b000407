"""The validators of event data, written by `python -m schemas.generate`; never by hand."""
