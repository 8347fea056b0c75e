"""Generates the typed GraphQL package: for this SDK, and for a project's own operations.

Used as `python -m tensorone_codegen`; needs the extra `codegen`.
"""
