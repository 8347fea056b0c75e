"""One cluster's life: rented exactly once, resumed at most once, watched, waited for, ended.

Stands on `_market` and what is below it.
"""
