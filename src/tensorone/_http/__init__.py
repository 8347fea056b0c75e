"""Sends requests and returns responses; the key is on the wire and nowhere else.

Stands on the ground, and is the only wing that knows httpx, httpcore and aiohttp.
"""
