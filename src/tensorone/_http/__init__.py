"""Bytes out and bytes back, the key on the wire and nowhere else.

Stands on the ground, and is the only wing that knows httpx, httpcore and aiohttp.
"""
