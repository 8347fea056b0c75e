"""What a fleet remembers of a cluster, of a rental it sent and of a cluster it left: values that can be saved. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal  # noqa: TC003 - pydantic reads it
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from tensorone import _checks
from tensorone._recovery.actions import RentElsewhere  # noqa: TC001 - pydantic reads it

Phase = Literal["new", "booting", "up", "down", "recovering", "given_up"]

ClusterId = Annotated[str, AfterValidator(_checks.cluster_id)]

Count = Annotated[int, Field(ge=0)]

MOST_PREDECESSORS = 10  # that a member remembers: what was rented late in their place is recognised by them

STRICT: Any = {"extra": "forbid", "strict": True, "allow_inf_nan": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One cluster of the fleet: plain values.

    Attributes:
        cluster_id: The cluster; another one after a move.
        origin: The cluster of the beginning, whose place it has.
        past: The clusters that had the place before, the latest one last; not all of them after many moves.
        gpu_type_id: Its GPU type; None if unknown.
        gpu_count: Its GPUs.
        bid_per_gpu: What it is billed while it runs, US dollars per GPU and hour; None if unknown.
        phase: What it is doing, as far as known.
        billed: Whether it was running when last seen.
        gone: Whether the account no longer has it.
        misses: Successful listings in a row that did not show it.
        strikes: Recoveries in a row that failed or did not last.
        retry_at: Not to be recovered before, seconds of the caller's clock.
        waiting_since: Since when the GPUs of its machine are waited for, None if they are not.
        limited: Whether a limit of the client refused its latest recovery.
        unknown_status: A status of which nothing is known, as it was seen last; None otherwise.
        recovered_at: When it was recovered last, None before the first time.
        recoveries: How many recoveries succeeded.
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    cluster_id: ClusterId
    origin: ClusterId
    past: tuple[ClusterId, ...] = ()
    gpu_type_id: str | None = None
    gpu_count: Count = 1
    bid_per_gpu: Annotated[Decimal, Field(ge=0)] | None = None
    phase: Phase = "new"
    billed: bool = False
    gone: bool = False
    misses: Count = 0
    strikes: Count = 0
    retry_at: float = 0.0
    waiting_since: float | None = None
    limited: bool = False
    unknown_status: str | None = None
    recovered_at: float | None = None
    recoveries: Count = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A rental that was sent in the place of a cluster.

    Attributes:
        cluster_id: The cluster to replace; the rental's token follows from it.
        at: When the request was about to be sent, seconds of the caller's clock.
        settled: Whether the fleet saw what came of it; otherwise the server may yet commit it.
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    cluster_id: ClusterId
    at: float
    settled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBehind:
    """A cluster that another one replaced, and that the account may still have.

    Attributes:
        cluster: The cluster, its machine, and what its volume costs.
        misses: Successful listings in a row that did not show it.
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    cluster: RentElsewhere
    misses: Count = 0
