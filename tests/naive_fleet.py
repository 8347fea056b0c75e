"""The control of the soak: a loop per slot, ids saved after each change, and what failed is sent again, without tokens.

`python tests/naive_fleet.py URL FILE COUNT`, with the key in TENSORONE_API_KEY. It is what a script does.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import httpx

TYPES = ("NVIDIA A40", "NVIDIA L40S")
BID = 0.35

STATUS = "query ($id: String!) { cluster(input: {clusterId: $id}) { desiredStatus } }"
RESUME = """mutation ($id: String!) {
    clusterBidResume(input: {clusterId: $id, bidPerGpu: 0.35, gpuCount: 1}) { id }
}"""
RENT = "mutation ($input: ClusterRentInterruptableInput!) { clusterRentInterruptable(input: $input) { id } }"
END = "mutation ($id: String!) { clusterTerminate(input: {clusterId: $id}) }"


class Naive:
    """One process of it."""

    def __init__(self, http: httpx.AsyncClient, url: str, path: Path) -> None:
        self._http, self._url = http, url
        self._path = path
        self._ids: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}

    async def keep(self, slot: str) -> None:
        """Looks twice a second whether the slot's cluster runs, and sees to it."""
        while True:
            with suppress(httpx.HTTPError, LookupError, ValueError, TypeError):  # it is tried again
                await self._once(slot)
            await anyio.sleep(0.5)

    async def _once(self, slot: str) -> None:
        old = self._ids.get(slot)
        if old is not None:
            found = (await self._ask(STATUS, id=old))["cluster"]
            if found is not None and found["desiredStatus"] == "RUNNING":
                return
            if found is not None and await self._resumed(old):
                return
        self._ids[slot] = await self._rented()
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(self._ids))
        new.replace(self._path)
        if old is not None:
            await self._ask(END, id=old)

    async def _resumed(self, cluster_id: str) -> bool:
        try:
            return bool((await self._ask(RESUME, id=cluster_id))["clusterBidResume"])
        except LookupError:
            return False

    async def _rented(self) -> str:
        for name in TYPES * 2:
            given = {"gpuTypeId": name, "gpuCount": 1, "bidPerGpu": BID, "imageName": "i", "name": "soak"}
            more = {"containerDiskInGb": 10, "volumeInGb": 20, "volumeMountPath": "/workspace", "cloudType": "SECURE"}
            try:
                return str((await self._ask(RENT, input=given | more))["clusterRentInterruptable"]["id"])
            except (httpx.HTTPError, LookupError, ValueError, TypeError):
                continue  # sent again, perhaps of the other type
        raise LookupError

    async def _ask(self, query: str, **variables: Any) -> dict[str, Any]:
        answer = await self._http.post(self._url, json={"query": query, "variables": variables})
        return answer.raise_for_status().json()["data"]


async def main(url: str, path: Path, count: int) -> None:
    """Keeps all slots until the process is killed."""
    key = {"api_key": os.environ["TENSORONE_API_KEY"]}
    async with httpx.AsyncClient(params=key, timeout=1.0) as http, anyio.create_task_group() as group:
        naive = Naive(http, url, path)
        for number in range(count):
            group.start_soon(naive.keep, f"w{number}")


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
