"""The GraphQL service without HTTP: what a request means, and its answer.

Imports `_world` and what is below it.
"""
