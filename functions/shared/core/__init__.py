"""The rules of the shared records, pure: no network, no clock, no randomness, no files.

`canonical`  RFC 8785 bytes.              `stamps`    which statement is newer.
`kinds`      the record kinds as data.    `lanes`     statements folded into a record.
`reading`    a message becomes an event.  `registry`  who may state what.
`ledger`     entries, commits, hashes.    `taking`    an event becomes record and entry.
`planning`   a batch becomes writes.
`replay`     entries become a record again, and what disagrees is named.
"""
