"""What fleets of Temporal wrote into its histories: events for a look and for a recovery, and the longest payload."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from temporalio.api.common.v1 import Payload

from tensorone.temporal._converter import unpacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from google.protobuf.message import Message
    from temporalio.client import Client

MOST_BYTES = 64 * 1024
PER_LOOK, PER_RECOVERY = 12, 14


@dataclass
class Histories:
    """All runs of a shard's workflow.

    Attributes:
        runs: How often it continued as new, and once.
        events: Events of all runs.
        looks: Looks that were begun.
        rounds: Rounds that were begun.
        longest: Bytes of the longest payload.
    """

    runs: int = 0
    events: int = 0
    looks: int = 0
    rounds: int = 0
    longest: int = 0

    @property
    def small(self) -> bool:
        """Whether no look, recovery or payload takes more than it may; beginning a run takes a few events, too."""
        most = PER_LOOK * self.looks + PER_RECOVERY * self.rounds + 10 * self.runs
        return self.events <= most and self.longest <= MOST_BYTES

    def __str__(self) -> str:
        return f"{self.events} events of {self.looks} looks and {self.rounds} rounds, payloads ≤ {self.longest} bytes"


def counted(histories: Iterable[Iterable[Any]]) -> Histories:
    """The same of events as Temporal gives them."""
    found = Histories()
    for events in histories:
        found.runs += 1
        for event in events:
            found.events += 1
            scheduled = event.activity_task_scheduled_event_attributes.activity_type.name
            found.looks += scheduled == "tensorone-look"
            found.rounds += _rounds(event) if scheduled == "tensorone-rounds" else 0
            found.longest = max([found.longest, *(len(each.data) for each in payloads(event))])
    return found


def _rounds(event: Any) -> int:
    (tasks,) = event.activity_task_scheduled_event_attributes.input.payloads
    return len(json.loads(unpacked(tasks))["rounds"])


def payloads(message: Message) -> Iterator[Payload]:
    """All payloads in a message, as stored."""
    if isinstance(message, Payload):
        yield message
        return
    for name, value in message.ListFields():
        if name.message_type is not None and not name.message_type.GetOptions().map_entry:
            for each in value if name.is_repeated else [value]:
                yield from payloads(each)


async def histories(temporal: Client, workflow_id: str) -> list[list[Any]]:
    """The events of all runs of a workflow, the latest run first."""
    found, run_id = list[list[Any]](), None
    while run_id is None or run_id:
        history = await temporal.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
        found.append(list(history.events))
        run_id = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
    return found
