"""From the repository to AWS: what is built, whether it runs by itself, what it costs.

Makefile    builds one function, called by `sam build`
native      `python -m infra.build.native`: the loops in C, compiled for this machine or for Lambda
stub        a server that gives the constant answers of tables and a bucket
artifacts   `python -m infra.build.artifacts`: every built function alone, on a sample event
costs       `python -m infra.build.costs`: write units and money per million events
"""
