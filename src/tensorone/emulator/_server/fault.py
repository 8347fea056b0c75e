"""One fault as data: what happens, to which requests, how often."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tensorone.emulator._graphql.documents import Chosen


Kind = Literal[
    "refuse",
    "close",
    "reset",
    "hang",
    "delay",
    "truncate",
    "commit_late",
    "listing_lag",
    "rate_limited",
    "bad_gateway",
    "server_error",
    "internal_error",
    "graphql_error",
    "garbage",
    "data_with_errors",
    "null",
    "unknown_enum",
    "extra_field",
]


KINDS: tuple[Kind, ...] = get_args(Kind)


# Default of `commit`, for the kinds that have the choice.
COMMITS: dict[Kind, bool] = {
    "close": False,
    "reset": False,
    "hang": False,
    "truncate": True,
    "bad_gateway": False,
    "server_error": True,
    "internal_error": True,
    "graphql_error": False,
    "garbage": True,
    "null": False,
}


SECONDS: dict[Kind, float] = {"refuse": 0.2, "delay": 1.0, "commit_late": 5.0, "listing_lag": 5.0}


# These change the answer to a request that was carried out.
CHANGING: frozenset[Kind] = frozenset({"data_with_errors", "unknown_enum", "extra_field"})


# Statuses of final answers.
STATUSES = range(200, 600)


# These do not decide how a request ends: another fault may follow.
PASSING: frozenset[Kind] = frozenset({"delay", "listing_lag"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what happens to the requests that match.

    Attributes:
        kind: What happens, see docs/emulator.md.
        operation: Root field or operation name of the requests that match; None matches every request.
        times: How many requests it affects; None is no limit.
        after: How many matching requests it skips first.
        probability: Chance of each matching request, drawn from the emulator's seed; None is certain.
        commit: Whether the request is carried out nevertheless; None is the kind's default.
        seconds: Real seconds for `refuse` and `delay`, the world's for `commit_late` and `listing_lag`.
        status: HTTP status of `bad_gateway`, `server_error` and `graphql_error`; None is the kind's default.
        retry_after: Header of `rate_limited` (None is 1) and of the kinds with a status (None is no header): seconds,
            or an HTTP date.
        body: Body of `garbage`.
        code: `extensions.code` of `graphql_error`; None leaves it out.
        message: `message` of `graphql_error`; None is a sentence without a meaning.
        path: Whether `graphql_error` answers like a resolver that failed, with an error for each root field and null in
            `data` (None is True), or refuses the request as a whole, with one error and no `data`.
        extensions: Further members of the `extensions` of `graphql_error`.
        entry: Further members of each entry of `errors`, such as `type`.

    Raises:
        ValueError: The settings contradict one another.
    """

    kind: Kind
    operation: str | None = None
    times: int | None = 1
    after: int = 0
    probability: float | None = None
    commit: bool | None = None
    seconds: float | None = None
    status: int | None = None
    retry_after: int | str | None = None
    body: str = "\x1f\x8b not what you asked for"
    code: str | None = None
    message: str | None = None
    path: bool | None = None
    extensions: Mapping[str, Any] | None = field(default=None, hash=False)
    entry: Mapping[str, Any] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        if mistake := next(_mistakes(self), None):
            raise ValueError(mistake)

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Reads `kind` or `kind:name=value,name=value`; `times=all` is no limit.

        Raises:
            ValueError: The text does not describe a fault.
        """
        kind, _, rest = text.partition(":")
        given = {name: value for name, _, value in (part.partition("=") for part in rest.split(",") if part)}
        if unknown := given.keys() - _READERS.keys():
            raise ValueError(f"a fault has no {', '.join(sorted(unknown))}; it has {', '.join(_READERS)}")
        values = {name: _READERS[name](value) for name, value in given.items()}
        return cls(kind, **values)  # type: ignore[arg-type]  # the kind is checked there

    @property
    def commits(self) -> bool:
        """Whether the request is carried out before the fault happens."""
        return COMMITS.get(self.kind, self.kind in CHANGING) if self.commit is None else self.commit

    @property
    def duration(self) -> float:
        """The seconds, or the kind's default."""
        return SECONDS.get(self.kind, 0.0) if self.seconds is None else self.seconds

    def aims_at(self, chosen: Chosen) -> bool:
        """Whether it matches such a request."""
        return self.operation is None or self.operation == chosen.name or self.operation in chosen.root_fields


def _mistakes(fault: Fault) -> Iterator[str]:
    """Contradictions among the settings, the most basic first."""
    kind, times, after, chance = fault.kind, fault.times, fault.after, fault.probability
    if kind not in KINDS:
        yield f"kind must be one of {', '.join(KINDS)}, not {kind!r}"
    if fault.commit is not None and kind not in COMMITS:
        yield f"commit is not for {kind}, which always or never carries the request out"
    if fault.seconds is not None and (kind not in SECONDS or not fault.seconds >= 0):
        yield f"seconds are not for {kind}, or negative: {fault.seconds}"
    if after < 0 or (times is not None and times < 1):
        yield f"times must be at least 1 and after at least 0, not {times} and {after}"
    if chance is not None and not 0 <= chance <= 1:
        yield f"probability must be between 0 and 1, not {chance}"
    if fault.status is not None and fault.status not in STATUSES:
        yield f"status must be between 200 and 599, not {fault.status}"
    yield from (f"{name} is for graphql_error, not for {kind}" for name in _foreign(fault))


def _foreign(fault: Fault) -> list[str]:
    """The settings of `graphql_error` that a fault of another kind has."""
    names = [] if fault.kind == "graphql_error" else ["code", "message", "path", "extensions", "entry"]
    return [name for name in names if getattr(fault, name) is not None]


def _boolean(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError(f"true or false, not {text!r}")
    return text == "true"


_READERS: dict[str, Callable[[str], Any]] = {
    "operation": str,
    "times": lambda text: None if text == "all" else int(text),
    "after": int,
    "probability": float,
    "commit": _boolean,
    "seconds": float,
    "status": int,
    "retry_after": str,
    "body": str,
    "code": str,
    "message": str,
    "path": _boolean,
}
