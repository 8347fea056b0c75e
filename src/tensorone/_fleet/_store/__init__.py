"""Where a fleet's state is kept between two runs: what a store is, one in a file, and what a run writes to it.

It stands on the fleet's values; the loop that keeps a fleet running stands on it.
"""
