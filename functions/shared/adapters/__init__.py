"""The only place that speaks to AWS: keys, clients, stores, the mapping of its errors."""
