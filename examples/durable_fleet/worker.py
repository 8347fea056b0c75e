"""A worker: run one on each machine, as many as you like, with the account's key in TENSORONE_API_KEY.

`python worker.py` takes TEMPORAL_ADDRESS, and another server than Tensor One's from TENSORONE_API_URL.
"""

import os

import anyio
from temporalio.client import Client

from tensorone import RetryPolicy, TensorOne
from tensorone.temporal import TensorOnePlugin, fleet_worker


async def main() -> None:
    """Carries the account's fleets until it is killed."""
    address = os.environ.get("TEMPORAL_ADDRESS", "localhost:7233")
    temporal = await Client.connect(address, plugins=[TensorOnePlugin()])
    client = TensorOne(retry=RetryPolicy(attempts=1), requests_per_second=60)  # Temporal repeats
    async with client, fleet_worker(temporal, client, account="demo", requests_per_second=60):
        await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(main)
