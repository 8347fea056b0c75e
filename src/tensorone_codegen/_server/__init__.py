"""A live GraphQL server: its schema pulled, our operations probed, none executed.

Stands on `_package` and what is below it.
"""
