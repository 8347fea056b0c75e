"""The emulator on a socket: HTTP, keys, the rate limit, and faults. Imports `_graphql` and what is below it."""
