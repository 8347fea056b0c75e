"""A request about to be answered, with what faults need to change its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tensorone.emulator._graphql.answers import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive

    from tensorone.emulator._world.world import World

    from .connection import Connection


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request about to be answered.

    Attributes:
        response_keys: Keys that its `data` has.
        enum_fields: Names of fields whose values are enum values.
        carry_out: Carries out the request, and returns its answer.
        media_type: Media type of an answer in JSON.
    """

    response_keys: tuple[str, ...]
    enum_fields: frozenset[str]
    carry_out: Callable[[], Answer]
    world: World
    media_type: str
    connection: Connection
    receive: Receive

    def nothing(self) -> Answer:
        """Null for every root field."""
        return Answer(200, {"data": dict.fromkeys(self.response_keys)})
