"""A stopped cluster running again, where it is: a pure plan, and the loop that follows it.

Stands on `_clusters` and what is below it.
"""
