"""A project's settings, schema and operations, each with its place in a file. Stands on the ground alone."""
