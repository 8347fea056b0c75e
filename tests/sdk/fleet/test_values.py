"""Values that are stored and sent: equal after a round trip through JSON and pickle, small, and without a secret."""

import copy
import importlib
import json
import pickle
from dataclasses import is_dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pydantic import TypeAdapter, ValidationError

import tensorone
from tensorone import (
    Attempt,
    BidCeilingReached,
    BidPolicy,
    CloudType,
    Cluster,
    ClusterSpec,
    ConnectionFailed,
    InvalidArgument,
    NotStarted,
    Outcome,
    OutcomeUnknown,
    RateLimited,
    RentElsewhere,
    Resumable,
    ResumePolicy,
    ResumeSpot,
    SpotQuote,
    SpotRental,
    TensorOneError,
    WaitTimedOut,
)
from tensorone._session.token_and_expiry import given
from tensorone.fleet import (
    BidMade,
    BudgetReached,
    End,
    FleetSpec,
    FleetState,
    GaveUp,
    Intent,
    LeftBehind,
    Look,
    Member,
    Moved,
    Order,
    Pending,
    Preempted,
    Recover,
    Recovered,
    RecoveryFailed,
    RecoverySucceeded,
    RentalSent,
    Seen,
    Sent,
    StatusUnknown,
    step,
)

A40 = "NVIDIA A40"
PLANTED = "planted-value"
BIDDING = BidPolicy(ceiling=0.35, opening=0.2)
BID = Decimal("0.21")
LEFT = RentElsewhere("any", "old1", "m1", True, Decimal("4.0"), "Gone.")
SPEC = ClusterSpec(image_name="i", gpu_type_ids=[A40, "NVIDIA L40S"], env_from={"HF_TOKEN": "HF_TOKEN"})
ATTEMPT = Attempt(
    at=datetime.now(UTC), gpu_type_id=A40, cloud_type=CloudType.SECURE, bid_per_gpu=0.2, reason="r", answer="won"
)
RECOVER = Recover("old1", True, 2, "night--w0", gpu_type_id=A40, waited=1.5, unsettled=True, past=("older",))
QUOTE = SpotQuote(gpu_type_id=A40, gpu_count=1, minimum_bid=0.2, on_demand_price=None)
CLUSTER = Cluster(
    id="c1",
    desired_status="RUNNING",
    image_name="i",
    env=[f"PASSWORD={PLANTED}"],
    machine_id="m1",
    machine=None,
    name=None,
    runtime=None,
)
BARE = CLUSTER.model_copy(update={"env": []})
FLEET = FleetSpec(
    name="night",
    slots={"w0": "train", "w1": "train"},
    specs={"train": SPEC},
    bidding=BIDDING,
    cloud_types=["SECURE"],
    left_behind="terminate",
    budget=500,
    expires_in=3600,
)
STATE = FleetState(
    members=(
        replace(FLEET.start().members[0], phase="recovering", past=("older",)),
        Member(cluster_id="c1", origin="night--w1", gpu_type_id=A40, bid_per_gpu=BID, phase="up", billed=True),
    ),
    at=5.0,
    spent=Decimal("1.25"),
    sent=(Sent(cluster_id="old1", at=4.0, by="me"),),
    left_behind=(LeftBehind(cluster=LEFT, misses=1),),
    unread=(Preempted("c1", 1.0, False, False), Moved("old1", "c1", 2.0, None, LEFT)),
)
VALUES = [
    *(FLEET, FLEET.order_of(RECOVER), FLEET.settings, STATE, RECOVER, QUOTE, ATTEMPT, LEFT),
    *(Intent(token="t", begun_at=1.0, by="me"), End("c1", "stop", "Late."), RentalSent("c1", "me")),
    Look(
        at=1.0, up=("c1",), seen=(Seen("c2", "EXITED", "m", "c0", 5),), stopped=("x",), missing=("y",), quotes=(QUOTE,)
    ),
    RecoverySucceeded("a", "b", Decimal("0.2"), A40, LEFT, bids=((Decimal("0.2"), "won"),)),
    RecoveryFailed("a", "No.", waits=2.0, bids=((Decimal("0.2"), "No."),)),
    Pending("a", 5.0, "Wait."),
    *(BidMade("a", 1.0, Decimal("0.2"), "won"), Recovered("a", 1.0, None), GaveUp("a", 1.0, "No.")),
    *(StatusUnknown("a", 1.0, "ODD"), BudgetReached(1.0, "budget", Decimal(1), Decimal(2))),
    *(BIDDING, ResumePolicy(bidding=BIDDING, strategy="replace_next"), ResumeSpot(Decimal("0.2"), 1, "r")),
    Resumable(cluster_id="a", status="EXITED", refused_bids=(Decimal("0.2"),), refused_kinds=("spot",)),
    ClusterSpec(image_name="i", gpu_type_id=A40, env_from={"A": "B"}, ports=["22/tcp"], cloud_type="SECURE"),
    SpotRental(
        cluster=BARE,
        spec=SPEC,
        gpu_type_id=A40,
        bid_per_gpu=0.2,
        attempts=(ATTEMPT,),
        left_behind=LEFT,
    ),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_survives_json_and_pickle(value):
    """Pydantic reads what it wrote, of the type alone; secrets only where they are asked for."""
    form = TypeAdapter(type(value))
    text = form.dump_json(value, context={"secrets": True})
    assert form.validate_json(text) == value
    assert form.validate_python(value) == value
    assert pickle.loads(pickle.dumps(value)) == value
    assert PLANTED.encode() not in form.dump_json(value)


def test_further_fields_are_stored_as_json_alone():
    """A fleet's JSON has them, since its spec could not be sent without; a pickle is refused, as a spec's is."""
    fleet = replace(FLEET, specs={"train": replace(SPEC, further={"dataCenterId": "EU-RO-1"})})
    form = TypeAdapter(FleetSpec)
    assert form.validate_json(form.dump_json(fleet)) == fleet
    with pytest.raises(TypeError, match="dataCenterId are not pickled"):
        pickle.dumps(fleet)


def test_every_public_value_is_tried():
    """Whatever `tensorone.fleet` offers as a value."""
    fleet = importlib.import_module("tensorone.fleet")
    kinds = {name for name in fleet.__all__ if is_dataclass(getattr(fleet, name))}
    nested = {"LeftBehind", "Member", "Sent", "Seen", "Moved", "Preempted", "PollFailed"}
    assert kinds - nested == kinds & {type(each).__name__ for each in VALUES}
    with pytest.raises(AttributeError, match=r"import tensorone\.fleet first"):
        tensorone.__getattr__("fleet")


def test_a_fleet_of_500_is_small():
    """Its state and its spec fit 160 KiB, and an order 4 KiB."""
    slots = {f"w{number:03}": "train" for number in range(500)}
    fleet = replace(FLEET, slots=slots)
    state = fleet.start({name: f"{name}zk29x8qwe" for name in slots})
    for value in (fleet, state):
        assert len(TypeAdapter(type(value)).dump_json(value)) < 160 * 1024
        assert len(pickle.dumps(value)) < 160 * 1024
    assert len(TypeAdapter(Order).dump_json(FLEET.order_of(RECOVER))) < 4 * 1024


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "a--b"}, "name"),
        ({"slots": {"a b": "train"}}, "slots"),
        ({"slots": {"a": "other"}}, "slots"),
        ({"specs": {"train": replace(SPEC, env={"PASSWORD": PLANTED})}}, "specs"),
        ({"specs": {"train": ClusterSpec(image_name="i", gpu_count=0)}}, "gpu_count"),
        ({"specs": {"train": "spec"}}, "spec"),
        ({"left_behind": "forget"}, "left_behind"),
        ({"width": 0}, "width"),
        ({"strategy": "hope"}, "strategy"),
        ({"budget": -1}, "budget"),
        ({"every": 0}, "every"),
        ({"bidding": 0.3}, "bidding"),
        ({"expires_in": -1}, "expires_in"),
        ({"slots": [("a", "train"), ("a", "train")]}, "slots"),
        ({"specs": None}, "specs"),
        ({"specs": {1: SPEC}}, "specs"),
    ],
)
def test_a_fleet_that_cannot_be_kept_is_refused(change, field):
    """When it is made, by the name of the field; no message shows an environment value."""
    with pytest.raises(InvalidArgument) as refused:
        replace(FLEET, **change)
    assert refused.value.field == field
    assert PLANTED not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (FleetSpec, {"specs": {"train": {"image_name": "i", "gpu_type_id": A40, "env": {"PASSWORD": PLANTED}}}}),
        (
            FleetSpec,
            {"specs": {"train": {"image_name": "i", "gpu_type_id": A40, "env": {"PASSWORD": PLANTED}}}, "x": 1},
        ),
        (Order, {"spec": {"image_name": "i", "gpu_type_id": A40, "env": {"PASSWORD": PLANTED}}}),
        (SpotRental, {"spec": {"image_name": "i", "gpu_type_id": A40, "env": {"PASSWORD": PLANTED}}}),
        (SpotRental, {"cluster": {"id": 1, "env": [f"PASSWORD={PLANTED}"]}}),
    ],
)
@pytest.mark.parametrize("form", [TypeAdapter, lambda kind: TypeAdapter(dict[str, kind])])
def test_a_value_that_cannot_be_read_is_not_shown(kind, value, form):
    """By pydantic's errors, neither as text nor as data: it may have environment values where none may be."""
    whole = {**json.loads(TypeAdapter(FleetSpec).dump_json(FLEET)), **value} if kind is FleetSpec else value
    given = whole if form is TypeAdapter else {"one": whole}
    with pytest.raises(ValidationError) as refused:
        form(kind).validate_python(given)
    assert PLANTED not in str(refused.value)
    assert PLANTED not in str(refused.value.errors())


def test_a_state_fits_the_fleet_that_is():
    """Of another fleet it is refused; what runs counts as the larger of what it is and what it is to be."""
    with pytest.raises(InvalidArgument, match="is of another fleet than day: it keeps night--w0"):
        replace(FLEET, name="day").reshaped(FLEET.start())
    with pytest.raises(InvalidArgument, match="must be a FleetState"):
        FLEET.reshaped("{}")
    begun = FLEET.start({"w1": "c1"})
    begun = replace(begun, members=begun.members.with_row(1, replace(begun.members[1], billed=True)))
    larger = replace(FLEET, specs={"train": replace(SPEC, gpu_count=4)})
    assert [one.gpu_count for one in larger.reshaped(begun).members] == [4, 4]
    smaller = replace(FLEET, specs={"train": replace(SPEC, gpu_count=1)})
    assert [one.gpu_count for one in smaller.reshaped(larger.reshaped(begun)).members] == [1, 4]


@pytest.mark.parametrize(
    ("observation", "now", "field"),
    [
        ("look", 1.0, "observation"),
        (None, 1.0, "observation"),
        (Look(at=1.0), float("nan"), "now"),
        (Look(at=1.0), "1", "now"),
        (RentalSent("c1"), None, "now"),
    ],
)
def test_what_step_cannot_take_is_refused(observation, now, field):
    """It would change nothing, and look like a success; or could not be read back."""
    with pytest.raises(InvalidArgument) as refused:
        step(STATE, observation, now, FLEET.settings)
    assert refused.value.field == field


def test_a_fleet_knows_its_slots():
    """Of a slot that it does not have there is no order, and nothing to begin with."""
    with pytest.raises(InvalidArgument, match="names w7, which are no slots"):
        FLEET.start({"w7": "c1"})
    with pytest.raises(InvalidArgument, match="must be a mapping, not list"):
        FLEET.start(["c1"])
    with pytest.raises(InvalidArgument, match="gives several slots the cluster c1"):
        FLEET.start({"w0": "c1", "w1": "c1"})
    with pytest.raises(InvalidArgument, match="must be a Recover"):
        FLEET.order_of("w0")
    with pytest.raises(InvalidArgument, match="is of slot w7"):
        FLEET.order_of(replace(RECOVER, origin="night--w7"))
    begun = FLEET.start({"w1": "c1"})
    assert [(one.cluster_id, one.phase) for one in begun.members] == [("night--w0", "down"), ("c1", "new")]
    assert STATE.own_bids == {A40: (Decimal("0.21"),)}
    untyped = replace(STATE.members[1], gpu_type_id=None)
    assert replace(STATE, members=STATE.members.with_row(1, untyped)).own_bids == {}
    assert STATE.other_ids == ("old1", "older")
    assert STATE.sent_before("old1").by == "me"
    assert STATE.sent_before("c1") is None
    order = FLEET.order_of(RECOVER)
    assert FLEET.intent_of(order, STATE, by="you", now=5.0) == Intent(token=order.token, begun_at=4.0, by="me")
    assert FLEET.intent_of(order, STATE, by="you", now=39.0) == Intent(token=order.token, begun_at=39.0, by="you")


ERRORS = [
    RateLimited("Slow down.", retry_after=2.5, errors=[{"message": "m", "extensions": {"code": "X"}}], operation="A"),
    OutcomeUnknown("Lost.", client_token="t", billing="a cluster", attempts=1, ledger=[ATTEMPT]),
    InvalidArgument("name", "is empty"),
    BidCeilingReached("No.", ceiling=0.3, minimum_bid=0.4),
    WaitTimedOut("Late.", last_seen=CLUSTER.model_copy(update={"env": ["A=***"]})),
    NotStarted("Too many failed."),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_survives_json(error):
    """With its type, words, fields, ledger and cause; pydantic reads and writes the same form."""
    error.__cause__ = ConnectionFailed("Reset.", attempts=2)
    error.__cause__.__cause__ = OSError("refused")
    form = TypeAdapter(type(error))
    for again in (
        TensorOneError.from_json(error.to_json()),
        form.validate_json(form.dump_json(error)),
        TypeAdapter(TensorOneError).validate_python(json.loads(error.to_json())),
    ):
        assert (type(again), again.args, vars(again)) == (type(error), error.args, vars(error))
        assert again.repeatable == error.repeatable
        assert (type(again.__cause__), again.__cause__.attempts) == (ConnectionFailed, 2)
        assert str(again.__cause__.__cause__) == "OSError: refused"
    assert form.validate_python(error) is error


def test_what_is_no_error_is_refused():
    """By our own words; an error of a later version becomes one of the base, and a foreign one keeps its words."""
    for text in ("{", "[]", "{}", '{"type": "ValueError", "message": "m"}'):
        with pytest.raises(InvalidArgument, match="is not an error as to_json writes it"):
            TensorOneError.from_json(text)
    with pytest.raises(ValidationError, match="must be a RateLimited, not a NotStarted"):
        TypeAdapter(RateLimited).validate_json(NotStarted("n").to_json())
    later = json.loads(NotStarted("n").to_json()) | {"type": "NeverSeen"}
    assert type(TensorOneError.from_json(json.dumps(later))) is TensorOneError
    shown = WaitTimedOut("Late.", last_seen=CLUSTER).to_json()
    assert PLANTED not in shown
    odd = WaitTimedOut("Late.", last_seen={"at": Decimal("0.2"), "status": CLUSTER.desired_status})
    assert TensorOneError.from_json(odd.to_json()).last_seen == {"at": "0.2", "status": "RUNNING"}


def test_an_outcome_keeps_what_its_operation_raised():
    """One of our errors whole, and a foreign one by its type and words."""
    form = TypeAdapter(Outcome[str, int])
    assert form.validate_json(form.dump_json(Outcome("a", 3))) == Outcome("a", 3)
    ours = form.validate_json(form.dump_json(Outcome("a", error=RateLimited("Slow.", retry_after=1.0))))
    assert (type(ours.error), ours.error.retry_after) == (RateLimited, 1.0)
    foreign = form.validate_json(form.dump_json(Outcome("a", error=KeyError("k"))))
    assert repr(foreign.error) == "RuntimeError(\"KeyError: 'k'\")"


def test_an_unknown_outcome_is_repeatable_where_the_caller_gave_the_token():
    """The same call looks for it first; without a token of the caller's own it would rent another."""
    for token, right in (("mine", True), (None, False)):
        with pytest.raises(OutcomeUnknown) as lost, given(token):
            raise OutcomeUnknown("Lost.", client_token="t")
        assert (lost.value.repeatable, lost.value.retryable) == (right, False)
        assert TensorOneError.from_json(lost.value.to_json()).repeatable is right


def test_env_from_holds_names_alone(monkeypatch):
    """They are shown, stored and pickled; a value that env has too, or that the SDK sets, is refused."""
    monkeypatch.setenv("HF_TOKEN", PLANTED)
    for shown in (repr(SPEC), pickle.dumps(SPEC).decode("latin-1"), TypeAdapter(ClusterSpec).dump_json(SPEC).decode()):
        assert "HF_TOKEN" in shown
        assert PLANTED not in shown
    assert hash(SPEC) == hash(replace(SPEC)) == hash(copy.deepcopy(SPEC))
    for bad in ({"A": 1}, {"TENSORONE_CLIENT_TOKEN": "A"}, {"A": "B"}):
        with pytest.raises(InvalidArgument, match="env_from"):
            ClusterSpec(image_name="i", gpu_count=0, env={"A": "1"}, env_from=bad)
