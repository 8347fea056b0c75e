"""Temporal's development server, one for all tests of a process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from temporal_server import connected, temporal_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from temporalio.client import Client


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the server is."""
    with temporal_server(tmp_path_factory.mktemp("temporal") / "temporal.db") as found:
        yield found


@pytest.fixture
async def temporal(address: str) -> Client:
    """A client with the plugin."""
    return await connected(address)
