"""The emulator on a socket: HTTP, keys, the rate limit, and faults. Stands on `_graphql` and what is below it."""
