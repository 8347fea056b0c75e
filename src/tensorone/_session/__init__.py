"""What all calls of one client share: its listing, its limits, and how it recognises its clusters.

Stands on `_graphql` and what is below it.
"""
