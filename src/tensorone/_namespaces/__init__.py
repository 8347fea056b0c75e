"""What a client shows: `client.clusters`, `client.spot` and the others, one method per call, one line of work each.

Stands on every other wing.
"""
