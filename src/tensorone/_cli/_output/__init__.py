"""What a command shows: the streams, tables and lines that move, objects of JSON, and failures with their exit status.

Below it stands the library, above it the commands.
"""
