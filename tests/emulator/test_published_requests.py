"""The nine published example requests, verbatim but for host and key."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tensorone.emulator import Emulator

REQUESTS: dict[str, str] = json.loads((Path(__file__).parents[1] / "published" / "requests.json").read_text())


@pytest.mark.parametrize("document", REQUESTS.values(), ids=REQUESTS)
def test_each_is_answered_with_data(emulator: Emulator, document: str) -> None:
    """HTTP 200, data with the field asked for, and no errors; twice in a row as well."""
    for _ in range(2):
        answer = post(emulator, document)
        assert answer.keys() == {"data"}
        (value,) = answer["data"].values()
        assert value


def test_one_world_answers_them_all_in_sequence(emulator: Emulator) -> None:
    """In sequence on one world, each finds the cluster it names."""
    answers = [post(emulator, document) for document in REQUESTS.values()]
    assert all(answer.keys() == {"data"} for answer in answers)
    assert sum(emulator.world.requests.values()) == 9


def post(emulator: Emulator, document: str) -> dict[str, Any]:
    """What the published curl commands send, and the JSON that comes back."""
    request = urllib.request.Request(
        f"{emulator.url}?api_key={emulator.api_key}",
        json.dumps({"query": document}).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.status == 200
        answer: dict[str, Any] = json.loads(response.read())
        return answer
