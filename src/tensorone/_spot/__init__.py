"""Winning a cluster by bids: searches with their candidates, terms and pauses.

Stands on `_recovery` and what is below it.
"""
