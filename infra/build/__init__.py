"""From the repository to AWS: what is built, whether it runs by itself, what it costs.

Makefile    builds one function, called by `sam build`
native      `python -m infra.build.native`: the loops in C, compiled for this machine or for Lambda
stub        a server that gives the constant answers of tables and a bucket
artifacts   `python -m infra.build.artifacts`: every built function alone, on a sample event
costs       `python -m infra.build.costs`: units and money of a million events, looks, a file
looks       what a look through the API costs, asked of the code behind the API
meter       tables in memory that count capacity units
samples     records and ledger entries of the released samples of events
"""
