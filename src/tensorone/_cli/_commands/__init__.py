"""A room per noun: signatures with their help, and thin bodies that import the library when they run.

They stand above the rooms of `_cli`, and only its `program` knows them.
"""
