"""A GraphQL server on loopback that plays the Tensor One service, for the tests of your own code.

Needs the extra `emulator`. From a shell: `python -m tensorone.emulator`; see docs/emulator.md.
"""

from importlib.util import find_spec

if missing := [
    name for name in ("ariadne", "starlette", "uvicorn") if find_spec(name) is None
]:  # pragma: no cover - tested elsewhere
    raise ImportError(f"the emulator needs an extra: pip install 'tensorone[emulator]' (missing: {', '.join(missing)})")

from tensorone.emulator._graphql.limits import Limits
from tensorone.emulator._market.boot import Boot
from tensorone.emulator._market.cluster import Cluster, Order
from tensorone.emulator._market.hosts import Host
from tensorone.emulator._market.market_script import MarketMove, random_market
from tensorone.emulator._server.fault import Fault
from tensorone.emulator._server.faults import Faults, Hit
from tensorone.emulator._world.ledger import Line
from tensorone.emulator._world.request_log import Request
from tensorone.emulator._world.world import World

from ._emulator import Emulator
from ._refusals import Refusal

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
