"""What a fleet is to be, and one order of it with all that carries it out: values without client or secret. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence  # noqa: TC003 - pydantic reads them
from dataclasses import fields, replace
from decimal import Decimal  # noqa: TC003 - pydantic reads it, where a fleet is stored
from typing import Annotated, Any, ClassVar

from pydantic import PlainSerializer

from tensorone import _checks
from tensorone._clusters.spec import ClusterSpec, checked_spec
from tensorone._data.dataclass import dataclass
from tensorone._data.unshown import Unshown
from tensorone._errors import InvalidArgument
from tensorone._generated import CloudType  # noqa: TC001 - likewise
from tensorone._market.bidding import BidPolicy  # noqa: TC001 - likewise
from tensorone._recovery.policy import ResumePolicy, Strategy
from tensorone._session import token_and_expiry
from tensorone._spot.candidates import Order as TypeOrder
from tensorone._spot.candidates import candidates
from tensorone._spot.terms import SearchTerms, clouds

from .bookkeeping import is_settled, sized, with_members
from .events import Recover
from .member import Member, Members
from .replacements import is_seat, token
from .state import FleetSettings, FleetState, OnLeaving

__all__ = ["FleetSpec", "Intent", "Order"]

ROUND_SECONDS = 15.0  # seconds after which a round sends nothing more; what is under way then is followed to its end


def _in_full(spec: ClusterSpec) -> dict[str, Any]:
    """A spec without environment values, as what it is made of."""
    given = {each.name: getattr(spec, each.name) for each in fields(spec)}
    return {name: dict(each) if name in ("env_from", "further") else each for name, each in given.items() if each}


StoredSpec = Annotated[ClusterSpec, PlainSerializer(_in_full)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms(Unshown):
    """On which terms a fleet's clusters are recovered, and others are rented in their place."""

    bidding: BidPolicy
    strategy: Strategy = "replace_next"
    wait_for_gpus: float = 0.0
    start_without_gpus: bool = False
    cloud_types: Sequence[CloudType | str] | None = None
    order: TypeOrder = "prioritized"
    every: float = 15.0
    expires_in: float | None = None

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        object.__setattr__(self, "cloud_types", clouds(self.cloud_types))
        token_and_expiry.tags("", self.expires_in)

    @property
    def terms(self) -> SearchTerms:
        """On which terms another cluster may be rented."""
        return SearchTerms(
            bidding=self.bidding, cloud_types=clouds(self.cloud_types), order=self.order, every=self.every
        )

    @property
    def policy(self) -> ResumePolicy:
        """What a resume may do."""
        return ResumePolicy(
            bidding=self.bidding,
            strategy=self.strategy,
            wait_for_gpus=self.wait_for_gpus,
            start_without_gpus=self.start_without_gpus,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(_Terms):
    """One cluster to get running, with all that `client.fleet.round` needs.

    Attributes:
        recover: Which cluster, and what is known of it.
        spec: What it was rented as, or is to be.
    """

    recover: Recover
    spec: StoredSpec

    @property
    def token(self) -> str:
        """The client token of whatever is rented in its place."""
        return token(self.recover.cluster_id)

    @property
    def pairs(self) -> frozenset[tuple[str, int]]:
        """The GPU types and numbers that it may be of."""
        return _pairs(self.spec)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """Written down before a round begins: it may rent with this token, from then on.

    Attributes:
        token: The order's token.
        begun_at: When, seconds since 1970.
        by: Who: the ``client.fleet.by`` of the client whose round it is.
        settled: Whether what came of all that was sent with the token before is known: no listing is needed first.
    """

    token: str
    begun_at: float
    by: str
    settled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSpec(_Terms):
    """What a fleet is to be: so many slots, each with one running spot cluster of its spec.

    It holds no environment value and can be stored and sent: specs name variables by `env_from`, and one with values in
    `env` is refused. Further input fields of a spec are stored as they are, in its JSON; they are not pickled.

    Args:
        name: Its name, unique in the account: tokens of its first clusters follow from it. Letters, digits,
            ``_`` and single ``-``.
        slots: The name of each slot, with that of its spec.
        specs: The specs by name; several GPU types are candidates in order of preference.
        bidding: How to bid for all of them; its ceiling has no default.
        strategy: As in ``spot.recover``.
        wait_for_gpus: As in ``spot.recover``.
        start_without_gpus: As in ``spot.recover``.
        cloud_types: As in ``spot.acquire``.
        order: As in ``spot.acquire``.
        every: Seconds between two looks.
        expires_in: Seconds after which ``clusters.reap`` may end a replacement.
        left_behind: What to do with a cluster that another one replaced, once that runs: ``"keep"`` it, whose volume
            stays billed, or ``"terminate"`` it, which deletes its volume.
        width: Rounds side by side at most; for whoever runs them.
        budget: US dollars for the whole fleet, after which nothing is bid for.
        max_hourly_spend: US dollars per hour that a recovery must not lead across.
        backoff_initial: Seconds before the second recovery in a row of one cluster; doubles with each further one.
        backoff_max: Seconds, upper bound of that.
        stable_after: Seconds of running after which a cluster's next recovery starts at once again.
        settle_time: Seconds within which the server is expected to show what it did.

    Raises:
        InvalidArgument: A field is wrong; also a `ValueError`, and `.field` names it.
    """

    name: str
    slots: Mapping[str, str]
    specs: Mapping[str, StoredSpec]
    left_behind: OnLeaving = "keep"
    width: int = 4
    budget: Decimal | float | None = None
    max_hourly_spend: Decimal | float | None = None
    backoff_initial: float = 15.0
    backoff_max: float = 300.0
    stable_after: float = 120.0
    settle_time: float = 20.0

    def __post_init__(self) -> None:
        _Terms.__post_init__(self)
        _checks.name("name", self.name)
        given: dict[str, object] = {name: _checks.mapping(name, getattr(self, name)) for name in ("slots", "specs")}
        for name in ("budget", "max_hourly_spend"):
            if (value := getattr(self, name)) is not None:
                given[name] = _checks.dollars(name, value)
        for name, value in given.items():
            object.__setattr__(self, name, value)
        for name, spec in self.specs.items():
            _checks.text("specs", name)
            _checked_for_storage(name, spec, self.terms)
        for slot, name in self.slots.items():
            _checks.name("slots", slot)
            if name not in self.specs:
                raise InvalidArgument("slots", f"slot {slot} is of spec {name!r}, which specs does not have")
        _ = self.policy, self.settings  # whose checks are theirs

    @property
    def settings(self) -> FleetSettings:
        """The bounds that `step` needs."""
        shared = {each.name for each in fields(FleetSettings)} & {each.name for each in fields(self)}
        given = {name: getattr(self, name) for name in shared}
        return FleetSettings(**given, ceiling=self.bidding.ceiling, recheck=self.every / 2)

    @property
    def pairs(self) -> frozenset[tuple[str, int]]:
        """The GPU types and numbers whose prices matter to it."""
        return frozenset[tuple[str, int]]().union(*map(_pairs, self.specs.values()))

    def start(self, clusters: Mapping[str, str] | None = None) -> FleetState:
        """The state to begin with.

        Args:
            clusters: Clusters that there are already, by slot. The others are rented by the first rounds, or found:
                what an earlier run of a fleet of this name rented has the place.
        """
        held = _checks.mapping("clusters", clusters or {})
        if strangers := sorted(held.keys() - self.slots.keys()):
            raise InvalidArgument("clusters", f"names {', '.join(strangers)}, which are no slots")
        if twice := sorted({each for each in held.values() if [*held.values()].count(each) > 1}):
            raise InvalidArgument("clusters", f"gives several slots the cluster {twice[0]}")
        return FleetState(members=Members(self._member(slot, held.get(slot)) for slot in self.slots))

    def reshaped(self, state: FleetState) -> FleetState:
        """The state when the fleet is to be this one: another number of slots, or slots of other specs.

        New slots are filled by the next rounds. Of a slot that is gone, the next looks order the `End` of its cluster,
        which deletes the volume, until the account no longer has it. Other images and bids hold for what is rented
        from then on. The same state where nothing changed, so a runner may call it at each start.

        Args:
            state: What is remembered of the fleet as it was.

        Raises:
            InvalidArgument: The state is of a fleet of another name.
        """
        _checks.instance("state", state, FleetState, "FleetState")
        if strangers := [one.origin for one in state.members if not one.origin.startswith(f"{self.name}--")]:
            raise InvalidArgument("state", f"is of another fleet than {self.name}: it keeps {strangers[0]}")
        held = {slot: one for one in state.members if (slot := self._slot(one.origin)) in self.slots}
        new = (self._member(slot, None) for slot in self.slots if slot not in held)
        same = (sized(one, self.specs[self.slots[slot]].gpu_count) for slot, one in held.items())
        gone = [one for one in state.members if self._slot(one.origin) not in held and not is_seat(one.cluster_id)]
        return with_members(state, (*same, *new), gone)

    def order_of(self, recover: Recover) -> Order:
        """An action of `step` with all that `client.fleet.round` needs to carry it out."""
        shared = {each.name: getattr(self, each.name) for each in fields(_Terms)}
        _checks.instance("recover", recover, Recover, "Recover, as step answers it")
        slot = self._slot(recover.origin)
        if slot not in self.slots:
            raise InvalidArgument("recover", f"is of slot {slot}, which the fleet does not have")
        return Order(**shared, recover=recover, spec=self.specs[self.slots[slot]])

    def intent_of(self, order: Order, state: FleetState, *, by: str, now: float) -> Intent:
        """What to write down before a round, by `RentalSent`: a new one, or that of before while it may be committed.

        Args:
            order: What the round is for.
            state: What is remembered.
            by: Whose round it will be: ``client.fleet.by``.
            now: Seconds since 1970.
        """
        _checks.instance("order", order, Order, "Order, as order_of makes it")
        sent = state.sent_before(order.recover.cluster_id)
        if sent is not None and now < sent.at + ROUND_SECONDS + self.settle_time:
            return Intent(token=order.token, begun_at=sent.at, by=sent.by)
        return Intent(token=order.token, begun_at=now, by=by, settled=is_settled(order.recover, state.sent))

    def _slot(self, origin: str) -> str:
        return origin.removeprefix(f"{self.name}--")

    def _member(self, slot: str, cluster_id: str | None) -> Member:
        spec, seat = self.specs[self.slots[slot]], f"{self.name}--{slot}"
        known = Member(cluster_id=seat, origin=seat, gpu_count=spec.gpu_count, volume_in_gb=spec.volume_in_gb)
        if cluster_id is None:  # there is nothing to look at: as if the cluster before were gone
            return replace(known, phase="down", gone=True)
        gpu_type_id = spec.candidates[0] if len(spec.candidates) == 1 else None
        return replace(known, cluster_id=_checks.cluster_id(cluster_id), gpu_type_id=gpu_type_id)


def order_on(
    terms: SearchTerms, policy: ResumePolicy, *, recover: Recover, spec: ClusterSpec, expires_in: float | None
) -> Order:
    """An order of a fleet that has no `FleetSpec`: of clusters that a program rented by itself."""
    return Order(
        recover=recover,
        spec=spec,
        bidding=terms.bidding,
        strategy=policy.strategy,
        wait_for_gpus=policy.wait_for_gpus,
        start_without_gpus=policy.start_without_gpus,
        cloud_types=terms.cloud_types,
        order=terms.order,
        every=terms.every,
        expires_in=expires_in,
    )


def _pairs(spec: ClusterSpec) -> frozenset[tuple[str, int]]:
    return frozenset((each, spec.gpu_count) for each in spec.candidates if each is not None)


def _checked_for_storage(name: str, spec: object, terms: SearchTerms) -> None:
    checked = checked_spec(spec)
    candidates(checked, terms.cloud_types)
    if checked.env:
        names = ", ".join(checked.env)
        raise InvalidArgument(
            "specs", f"{name} has values in env ({names}), and a fleet is stored and sent: name variables in env_from"
        )
