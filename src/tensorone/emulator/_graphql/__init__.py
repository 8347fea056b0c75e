"""The GraphQL service without HTTP: what a request means, and what it is answered.

Stands on `_world` and what is below it.
"""
