"""The namespaces of a client, `client.clusters`, `client.spot` and others: each method calls one function of a wing.

Stands on every other wing.
"""
