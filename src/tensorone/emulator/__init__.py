"""A GraphQL server on loopback that plays the Tensor One service, to test your own code against.

Needs the extra `emulator`. From a shell: `python -m tensorone.emulator`; see docs/emulator.md.
"""

from importlib.util import find_spec

if missing := [
    name for name in ("ariadne", "starlette", "uvicorn") if find_spec(name) is None
]:  # pragma: no cover - tested elsewhere
    raise ImportError(f"the emulator needs an extra: pip install 'tensorone[emulator]' (missing: {', '.join(missing)})")

from ._boot import Boot
from ._cluster import Cluster, Order
from ._emulator import Emulator
from ._fault import Fault
from ._faults import Faults, Hit
from ._hosts import Host
from ._journal import Request
from ._ledger import Line
from ._limits import Limits
from ._refusals import Refusal
from ._script import MarketMove, random_market
from ._world import World

__all__ = [
    "Boot",
    "Cluster",
    "Emulator",
    "Fault",
    "Faults",
    "Hit",
    "Host",
    "Limits",
    "Line",
    "MarketMove",
    "Order",
    "Refusal",
    "Request",
    "World",
    "random_market",
]
