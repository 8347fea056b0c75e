"""Many spot clusters kept running: a pure decision, and the loop that polls, recovers and reports.

Stands on `_spot` and what is below it.
"""
