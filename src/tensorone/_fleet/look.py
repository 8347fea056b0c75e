"""What one look at the account shows of a fleet: as little as decides, so that it can be sent and stored. Pure."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING, Any, ClassVar, cast

from tensorone._data.dataclass import dataclass
from tensorone._errors import InvalidArgument
from tensorone._generated import Cluster, ClusterStatus, Runtime
from tensorone._market.quotes import SpotQuote  # noqa: TC001 - pydantic reads it
from tensorone._session import token_and_expiry

from .observations import Observation
from .replacements import TOKENS, replaced

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from .spec import Order

__all__ = ["Look", "Seen"]


@dataclass(frozen=True, slots=True)
class Seen:
    """A cluster that is not simply up.

    Attributes:
        id: The cluster.
        status: Its desired status.
        machine_id: The machine it is bound to; None if unknown.
        of: What it was rented in the place of; None if its token is of no fleet.
        uptime: Seconds since its container started; None while that does not run.
    """

    id: str
    status: str
    machine_id: str | None = None
    of: str | None = None
    uptime: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """An observation of a fleet: one listing, and the market's prices where something is down.

    Attributes:
        at: When it was asked for, seconds since 1970.
        up: Members whose containers run.
        seen: Members that are not up, and clusters beside them that carry this fleet's tokens.
        stopped: Other clusters that were asked for and are stopped.
        missing: Clusters that were asked for, and that the account does not list.
        quotes: The market's prices for the fleet's specs; empty while every member runs or starts.
    """

    at: float
    up: tuple[str, ...] = ()
    seen: tuple[Seen, ...] = ()
    stopped: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    quotes: tuple[SpotQuote, ...] = ()

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    @property
    def clusters(self) -> dict[str, Cluster]:
        """The clusters that it shows, by id, as far as it shows them."""
        shown = {each: _cluster(Seen(each, "RUNNING", uptime=0)) for each in self.up}
        shown.update((each, _cluster(Seen(each, "EXITED"))) for each in self.stopped)
        shown.update((each.id, _cluster(each)) for each in self.seen)
        return shown

    def about(self, order: Order) -> Look:
        """What one order needs of it, so that little is sent: its cluster, what was rented for it, its prices."""
        recover, pairs = order.recover, order.pairs
        ids = {recover.cluster_id, *recover.past[-1:]}
        near, more = ids, ids
        while more := {each.id for each in self.seen if each.of is not None and _is_of(each.of, more)} - near:
            near = near | more
        return replace(
            self,
            up=(),
            seen=tuple(each for each in self.seen if each.id in near),
            stopped=tuple(each for each in self.stopped if each in ids),
            missing=tuple(each for each in self.missing if each in ids),
            quotes=tuple(each for each in self.quotes if (each.gpu_type_id, each.gpu_count) in pairs),
        )


@dataclass(frozen=True, slots=True)
class _Up:
    """A cluster that is simply up: as little as decides, since a look at ten thousand shows almost as many."""

    id: str

    desired_status: ClassVar[str] = ClusterStatus.RUNNING
    runtime: ClassVar[object] = "up"
    env: ClassVar[tuple[str, ...]] = ()


def checked(observation: Look | Observation, now: float) -> Look | Observation:
    """What `step` may be given: all else would change nothing, or could not be read back once it is saved."""
    if not isinstance(observation, Look | Observation):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may give anything
        problem = f"must be a Look, or what a round came to, not {type(observation).__name__}"
        raise InvalidArgument("observation", problem)
    if not isinstance(now, int | float) or not isfinite(now):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may give anything
        raise InvalidArgument("now", f"must be a finite number of seconds, not {now!r}")
    return observation


def sighted(look: Look) -> dict[str, Cluster]:
    """The clusters that a look shows, by id, with as much of each as `step` reads."""
    shown = {each: cast("Cluster", _Up(each)) for each in look.up}
    shown.update(replace(look, up=()).clusters)
    return shown


def digest(clusters: Mapping[str, Cluster], members: Collection[str], others: Collection[str], *, at: float) -> Look:
    """What a listing shows of a fleet.

    Args:
        clusters: The account's clusters by id.
        members: The fleet's clusters.
        others: Clusters that are asked for beside them: left behind, or replaced.
        at: When the listing was asked for, seconds since 1970.
    """
    asked = dict.fromkeys((*members, *others))
    tokens = {each.id: old for each in clusters.values() if (old := replaced(each)) and not _is_gone(each)}
    ours = _related(asked, tokens)
    up = {each for each in members if each in clusters and _is_up(clusters[each])}
    shared = {tokens[each] for each in ours if each in tokens and each not in up}
    plain = {each for each in up if tokens.get(each) not in shared}  # of the rest, the oldest is kept
    stopped = {each for each in others if each in clusters and _is_stopped(clusters[each])} - {*members}
    known = [each for each in dict.fromkeys((*asked, *ours)) if each in clusters]
    return Look(
        at=at,
        up=tuple(each for each in asked if each in plain),
        seen=tuple(_seen(clusters[each], tokens) for each in known if each not in plain and each not in stopped),
        stopped=tuple(each for each in asked if each in stopped),
        missing=tuple(each for each in asked if each not in clusters),
    )


def _related(asked: Iterable[str], tokens: Mapping[str, str]) -> set[str]:
    """What was asked for, and whatever was rented in its place, and in the place of that."""
    by_old: dict[str, list[str]] = {}
    for each, old in tokens.items():
        by_old.setdefault(old, []).append(each)
        if old.rpartition("-")[2].isdigit():  # as tokens were made before states had a third format
            by_old.setdefault(old.rpartition("-")[0], []).append(each)
    found, left = set(asked), list(asked)
    while left:
        new = [each for each in by_old.get(left.pop(), ()) if each not in found]
        found.update(new)
        left += new
    return found


def _is_of(old: str, clusters: Collection[str]) -> bool:
    """Whether one of these is what a token says was replaced, as `_related` reads it."""
    before, _, number = old.rpartition("-")
    return old in clusters or (before in clusters and number.isdigit())


def _seen(cluster: Cluster, tokens: Mapping[str, str]) -> Seen:
    uptime = None if cluster.runtime is None else cluster.runtime.uptime_in_seconds or 0
    status = str.__str__(cluster.desired_status)
    return Seen(cluster.id, status, cluster.machine_id, tokens.get(cluster.id), uptime)


def _is_up(cluster: Cluster) -> bool:
    return cluster.desired_status == ClusterStatus.RUNNING and cluster.runtime is not None


def _is_stopped(cluster: Cluster) -> bool:
    return cluster.desired_status == ClusterStatus.EXITED


def _is_gone(cluster: Cluster) -> bool:
    return cluster.desired_status == ClusterStatus.TERMINATED


def _cluster(seen: Seen) -> Cluster:
    """A cluster of the API's shape, with what is known of it."""
    runtime = None
    if seen.uptime is not None:
        runtime = Runtime.model_construct(uptime_in_seconds=seen.uptime, ports=None, gpus=None, container=None)
    token = [] if seen.of is None else [f"{token_and_expiry.CLIENT_TOKEN}={TOKENS}{seen.of}"]
    return Cluster.model_construct(
        id=seen.id,
        desired_status=ClusterStatus(seen.status),
        image_name=None,
        env=token,
        machine_id=seen.machine_id,
        machine=None,
        name=None,
        runtime=runtime,
    )
