"""Our `dataclass` makes what the standard library's makes, for less time."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Mapping  # noqa: TC003 - looked up when the test runs
from typing import Any, get_type_hints

import pytest
from pydantic import TypeAdapter

from tensorone._data import dataclass as ours


def pair(cls: type, **settings: Any) -> tuple[Any, Any]:
    """A class as both make it, from copies of its body."""
    body = {name: value for name, value in vars(cls).items() if name not in {"__dict__", "__weakref__"}}
    copies = [type(cls.__name__, cls.__bases__, copy.copy(body)) for _ in range(2)]
    return ours.dataclass(frozen=True, **settings)(copies[0]), dataclasses.dataclass(frozen=True, **settings)(copies[1])


class Plain:
    """A docstring."""

    a: int
    b: str = "b"


class Made:
    """Defaults that are made, fields that are neither shown nor compared."""

    key: str = dataclasses.field(repr=False)
    past: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    env: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])


class Checked:
    """It refuses, and shows itself in its own way."""

    a: float = 1.0

    def __post_init__(self) -> None:
        if self.a < 0:
            raise ValueError("a: must not be negative")

    def __repr__(self) -> str:
        return "checked"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self))

    def __hash__(self) -> int:
        return 7


class Empty:
    """No field."""


SHAPES = [
    pair(cls, slots=slots, kw_only=kw_only)
    for cls in (Plain, Made, Checked, Empty)
    for slots in (False, True)
    for kw_only in (False, True)
]


@pytest.mark.parametrize(("mine", "theirs"), SHAPES)
def test_a_class_has_the_same_shape(mine, theirs):
    """Signature, fields, slots, match arguments, hints and document are those of the standard library."""
    assert str(inspect.signature(mine)) == str(inspect.signature(theirs))
    assert repr(dataclasses.fields(mine)) == repr(dataclasses.fields(theirs))
    assert getattr(mine, "__slots__", None) == getattr(theirs, "__slots__", None)
    assert mine.__match_args__ == theirs.__match_args__
    assert mine.__doc__ == theirs.__doc__
    assert get_type_hints(mine.__init__) == get_type_hints(theirs.__init__)
    assert mine.__init__.__qualname__ == theirs.__init__.__qualname__
    assert mine.__dataclass_params__.frozen


VALUES = [
    (Plain, {"a": 1}, {"a": 2}),
    (Plain, {"a": 1, "b": "x"}, {"a": 1, "b": "x"}),
    (Made, {"key": "k", "past": ("x",)}, {"key": "k", "env": {"A": "b"}}),
    (Checked, {}, {"a": 2.0}),
    (Empty, {}, {}),
]


@pytest.mark.parametrize(("cls", "given", "other"), VALUES)
@pytest.mark.parametrize("slots", [False, True])
def test_an_instance_behaves_the_same(cls, given, other, slots):
    """Representation, equality, copies, replacements and dictionaries are those of the standard library."""
    mine, theirs = pair(cls, slots=slots, kw_only=True)
    one, two = mine(**given), theirs(**given)
    assert repr(one) == repr(two)
    assert repr(dataclasses.asdict(one)) == repr(dataclasses.asdict(two))
    for values in (given, other):
        assert (one == mine(**values)) == (two == theirs(**values))
    assert one != "another type"
    assert repr(copy.copy(one)) == repr(copy.copy(two))
    assert repr(copy.deepcopy(one)) == repr(copy.deepcopy(two))
    assert repr(dataclasses.replace(one, **other)) == repr(dataclasses.replace(two, **other))


def test_a_hash_follows_from_what_is_compared():
    """Equal instances have one hash; a field that is not compared has no part in it."""
    mine, _ = pair(Plain, slots=True)
    assert len({mine(1), mine(1), mine(2)}) == 2
    assert hash(pair(Checked)[0]()) == 7
    part, _ = pair(Made, slots=True)
    with pytest.raises(TypeError, match="unhashable"):
        hash(part("k"))


@pytest.mark.parametrize("slots", [False, True])
@pytest.mark.parametrize("change", [lambda one: setattr(one, "a", 2), lambda one: delattr(one, "a")])
def test_an_instance_is_frozen(slots, change):
    """A field can be neither set nor deleted."""
    errors = []
    for cls in pair(Plain, slots=slots):
        with pytest.raises(dataclasses.FrozenInstanceError) as refused:
            change(cls(1))
        errors.append(str(refused.value))
    assert errors[0] == errors[1]


@ours.dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """In a module, so that it can be pickled."""

    a: int
    b: list[str] = dataclasses.field(default_factory=list[str])


@ours.dataclass(frozen=True, slots=True, kw_only=True)
class Derived(Base):
    """Ours below ours."""

    c: float = 0.5


class Loose(Base):
    """A class of a user's, without a decorator."""

    def __init__(self) -> None:
        super().__init__(a=1)
        self.note = "mine"


def test_a_value_survives_pickle_and_json():
    """Also one of a class that is derived from another."""
    value = Derived(a=1, b=["x"], c=2.0)
    assert pickle.loads(pickle.dumps(value)) == value
    adapter = TypeAdapter(Derived)
    assert adapter.validate_json(adapter.dump_json(value)) == value


def test_classes_can_be_derived_from_it():
    """By a plain class, whose own attributes are free, and by the standard library's decorator if it freezes too."""
    loose = Loose()
    loose.note = "changed"
    with pytest.raises(dataclasses.FrozenInstanceError):
        loose.a = 2
    del loose.note

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Below(Base):
        c: int = 3

    assert Below(a=1) == Below(a=1, c=3)
    with pytest.raises(TypeError, match="non-frozen"):
        dataclasses.dataclass(type("Free", (Base,), {}))


def test_only_frozen_classes_are_made():
    """Another is left to the standard library."""
    with pytest.raises(TypeError, match="standard library"):
        ours.dataclass(frozen=False)


def test_a_class_that_shows_itself_nowhere():
    """`repr=False` keeps what `object` has."""
    mine, _ = pair(Plain, repr=False)
    assert "object at" in repr(mine(1))


def test_a_class_has_one_method_of_its_own():
    """Compiling methods is what costs time."""
    one, _ = pair(Plain, slots=True)
    other, _ = pair(Made, slots=True)
    assert one.__init__ is not other.__init__
    assert one.__repr__ is other.__repr__
    assert one.__eq__ is other.__eq__
    assert one.__hash__ is other.__hash__
    assert one.__setattr__ is other.__setattr__
