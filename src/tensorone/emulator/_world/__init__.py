"""The emulated service: a seeded state machine with a clock of its own, no sockets and no threads.

Imports `_market` and what is below it.
"""
