"""Every public value, found by walking over the modules: it comes back equal from JSON by pydantic, and from pickle."""

import dataclasses
import enum
import importlib
import inspect
import json
import pickle
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from tensorone import (
    BidPolicy,
    ClusterSpec,
    EndpointSpec,
    Moved,
    Outcome,
    OutcomeUnknown,
    PlacedCluster,
    Preempted,
    Reaped,
    TemplateSpec,
    TensorOneError,
)
from tensorone.events import FleetChanged
from tensorone.fleet import FleetSpec, Recover

PLANTED = "planted-value"

SPEC = ClusterSpec(image_name="i", gpu_type_id="NVIDIA A40", env_from={"A": "B"}, ports=("22/tcp",))
BIDDING = BidPolicy(ceiling=0.4, opening=0.2)
RECOVER = Recover("c1", True, 2, "night--w0", gpu_type_id="NVIDIA A40", past=("c0",))
FLEET = FleetSpec(name="night", slots={"w0": "train"}, specs={"train": SPEC}, bidding=BIDDING, budget=5)
CHECKED = [  # which are made by hand, since not every value of a field's type is right
    *(SPEC, BIDDING, RECOVER, FLEET, FLEET.order_of(RECOVER), FLEET.settings, FLEET.start()),
    EndpointSpec(name="e", gpu_ids=("ADA_24",), template_id="t", workers_max=2, locations=("US",)),
    TemplateSpec(name="t", image_name="i", container_disk_in_gb=5, ports=("22/tcp",), readme="r"),
    FleetChanged(call="spot.keep_running", change=Preempted("c1", 1.0, False, False), cluster_id="c1", text="t"),
]
MADE = {type(each): each for each in CHECKED}


def public():
    """Every public class by its name, once."""
    found = {}
    for module in map(importlib.import_module, ("tensorone", "tensorone.fleet", "tensorone.events")):
        for name in module.__all__:
            value = getattr(module, name, None)
            if inspect.isclass(value):
                found.setdefault(value, f"{module.__name__}.{name}")
    return {name: value for value, name in found.items()}


PUBLIC = public()
VALUES = [name for name, kind in PUBLIC.items() if dataclasses.is_dataclass(kind) or issubclass(kind, BaseModel)]


SIMPLE = {
    str: "s1",
    int: 3,
    float: 1.5,
    bool: True,
    Decimal: Decimal("0.25"),
    datetime: datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC),
    object: "anything",
    Exception: OutcomeUnknown("Lost.", client_token="t"),
    TensorOneError: OutcomeUnknown("Lost.", client_token="t"),
}


ENVIRONMENT = {"env": []}  # of a cluster: its values are in no pickle


def made(kind):  # noqa: PLR0911 - one for each way to write a type
    """Some value of a type, with something in every field."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind in SIMPLE or kind in MADE:
        return SIMPLE.get(kind, MADE.get(kind))
    if isinstance(kind, typing.TypeVar):
        return "item"
    if origin in (typing.Union, types.UnionType, typing.Annotated, typing.Literal):
        first = next(each for each in arguments if each is not types.NoneType)
        return first if origin is typing.Literal else made(first)
    if origin in (tuple, list, Sequence):
        return tuple(made(each) for each in arguments if each is not ...) if origin is tuple else [made(arguments[0])]
    if origin in (dict, Mapping):
        return {made(arguments[0]): made(arguments[1])}
    if issubclass(kind, enum.Enum):
        return next(iter(kind))
    if issubclass(kind, BaseModel):
        given = {name: made(each.annotation) for name, each in kind.model_fields.items()} | ENVIRONMENT
        return kind.model_validate(given, by_name=True)
    hints = typing.get_type_hints(kind, localns={"Mapping": Mapping})
    return kind(**{each.name: made(hints[each.name]) for each in dataclasses.fields(kind) if each.init})


@pytest.mark.parametrize("name", VALUES)
def test_every_public_value_comes_back(name):
    """From JSON, read by its type alone, and from pickle."""
    kind = PUBLIC[name]
    value, form = made(kind), TypeAdapter(kind)
    assert same(form.validate_json(form.dump_json(value, context={"secrets": True})), value)
    assert same(pickle.loads(pickle.dumps(value)), value)


def same(one, other):
    """Whether two values are equal; errors are by what they say, since exceptions are equal to themselves alone."""
    if isinstance(one, BaseException):
        return one.to_json() == other.to_json()
    if isinstance(one, Outcome | Reaped):
        return same(one.error, other.error) and replace(one, error=None) == replace(other, error=None)
    return one == other


def test_every_public_error_comes_back():
    """By its own words and fields; each kind of error is one."""
    kinds = [kind for kind in PUBLIC.values() if issubclass(kind, TensorOneError)]
    assert len(kinds) >= 15
    for kind in kinds:
        form = {
            "type": kind.__name__,
            "message": "It failed.",
            "fields": {"operation": "A", "attempts": 2, "ledger": []},
        }
        error = TypeAdapter(kind).validate_python(form)
        assert type(error) is kind
        assert same(TypeAdapter(kind).validate_json(TypeAdapter(kind).dump_json(error)), error)
        assert same(pickle.loads(pickle.dumps(error)), error)


NO_VALUES = {  # with the reason why they are neither written nor pickled
    "they hold a client or are part of one": {
        *("TensorOne", "Accounts", "Clusters", "Endpoints", "Fleets", "GpuTypes", "Spot", "Templates"),
        *("KeepRunning", "OutcomeStream", "Watch"),
    },
    "they hold a file's lock, a signal's handler, or are what others write": {
        *("FileStore", "fleet.JournalStore", "fleet.Store", "Gate", "ended_by_signals"),
    },
    "a list, whose items come back": {"Listing"},
    "words, which are their own form": {"CloudType", "ClusterStatus"},
}


def test_every_public_class_is_a_value_an_error_or_named():
    """So that a new one is thought of."""
    others = {name for name, kind in PUBLIC.items() if name not in VALUES and not issubclass(kind, TensorOneError)}
    assert {each.removeprefix("tensorone.") for each in others} == set().union(*NO_VALUES.values())


HIDDEN = {
    "ClusterSpec": ClusterSpec(image_name="i", gpu_count=0, env={"PASSWORD": PLANTED}, further={"x": PLANTED}),
    "TemplateSpec": TemplateSpec(name="t", image_name="i", container_disk_in_gb=5, env={"PASSWORD": PLANTED}),
}


@pytest.mark.parametrize("kind", HIDDEN)
def test_a_spec_is_written_with_its_secrets_where_asked(kind):
    """Otherwise with masks, which are not read, since they would be sent; and never pickled."""
    spec = HIDDEN[kind]
    form = TypeAdapter(type(spec))
    assert form.validate_json(form.dump_json(spec, context={"secrets": True})) == form.validate_python(spec) == spec
    masked = form.dump_json(spec)
    assert PLANTED.encode() not in masked
    assert json.loads(masked)["env"] == {"PASSWORD": "***"}
    with pytest.raises(ValidationError, match="env: was masked when it was written"):
        form.validate_json(masked)
    bad = json.loads(form.dump_json(spec, context={"secrets": True})) | {"image_name": ""}
    with pytest.raises(ValidationError, match="image_name") as refused:
        form.validate_python(bad)
    assert PLANTED not in str(refused.value) + repr(refused.value.errors())
    with pytest.raises(TypeError, match="PASSWORD are not pickled, since they may be secret"):
        pickle.dumps(spec)


def test_a_cluster_is_pickled_with_the_names_of_its_environment():
    """Its values are written as JSON where they are asked for."""
    cluster = made(PlacedCluster).model_copy(update={"env": [f"PASSWORD={PLANTED}"]})
    assert pickle.loads(pickle.dumps(cluster)).env == ["PASSWORD=***"]
    form = TypeAdapter(PlacedCluster)
    assert form.validate_json(form.dump_json(cluster, context={"secrets": True})) == cluster


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"image_name": "i", "container_disk_in_gb": 5}, "name: is required"),
        ({"name": "t", "image_name": "i", "container_disk_in_gb": 5, "disk": 1}, "disk: is not a field"),
        ("t", "name: is required"),
    ],
)
def test_what_is_no_template_is_refused(given, words):
    """By the name of the field."""
    with pytest.raises(ValidationError, match=words):
        TypeAdapter(TemplateSpec).validate_python(given)


def test_what_a_fleet_reports_keeps_its_type():
    """In the JSON of the client's event, by the name of the type; anything else stays as it is."""
    form = TypeAdapter(FleetChanged)
    for change in (Moved("a", "b", 1.0, Decimal("0.2")), "words", {"type": "NeverSeen", "at": 1}, 7):
        event = FleetChanged(call="c", change=change, cluster_id="a", text="t")
        assert form.validate_json(form.dump_json(event)) == event
