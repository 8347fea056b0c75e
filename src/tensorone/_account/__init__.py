"""What an account has besides clusters: its balance, templates and serverless endpoints.

Stands on `_clusters` and what is below it.
"""
