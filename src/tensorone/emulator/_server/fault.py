"""One fault as data: what goes wrong, with which requests, how often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Callable

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
    "garbage",
    "data_with_errors",
    "null",
    "unknown_enum",
    "extra_field",
]


KINDS: tuple[Kind, ...] = get_args(Kind)


# Whether the request is carried out, where a fault leaves the choice and nothing is said.
COMMITS: dict[Kind, bool] = {
    "close": False,
    "reset": False,
    "hang": False,
    "truncate": True,
    "bad_gateway": False,
    "server_error": True,
    "internal_error": True,
    "garbage": True,
    "null": False,
}


SECONDS: dict[Kind, float] = {"refuse": 0.2, "delay": 1.0, "commit_late": 5.0, "listing_lag": 5.0}


# These answer with what was done, and change it.
CHANGING: frozenset[Kind] = frozenset({"data_with_errors", "unknown_enum", "extra_field"})


# These let the request go on, and may meet another fault on the way.
PASSING: frozenset[Kind] = frozenset({"delay", "listing_lag"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        kind: What happens, see docs/emulator.md.
        operation: Root field or operation name it waits for; None takes any request.
        times: How many requests it strikes; None strikes for ever.
        after: How many requests that match pass before the first is struck.
        probability: Chance of each request that matches, drawn from the emulator's seed; None is certain.
        commit: Whether the request is carried out all the same; None is the kind's usual.
        seconds: Real ones for `refuse` and `delay`, the world's for `commit_late` and `listing_lag`.
        status: HTTP status of `bad_gateway` and `server_error`.
        retry_after: Header of `rate_limited`: seconds, or an HTTP date.
        body: What `garbage` answers.

    Raises:
        ValueError: The parts do not fit together.
    """

    kind: Kind
    operation: str | None = None
    times: int | None = 1
    after: int = 0
    probability: float | None = None
    commit: bool | None = None
    seconds: float | None = None
    status: int | None = None
    retry_after: int | str = 1
    body: str = "\x1f\x8b not what you asked for"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {self.kind!r}")
        if self.commit is not None and self.kind not in COMMITS:
            raise ValueError(f"commit is not for {self.kind}: whether it carries the request out is its nature")
        if self.seconds is not None and (self.kind not in SECONDS or not self.seconds >= 0):
            raise ValueError(f"seconds are not for {self.kind}, or negative: {self.seconds}")
        if self.after < 0 or (self.times is not None and self.times < 1):
            raise ValueError(f"times must be at least 1 and after at least 0, not {self.times} and {self.after}")
        if self.probability is not None and not 0 <= self.probability <= 1:
            raise ValueError(f"probability must be between 0 and 1, not {self.probability}")

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Reads `kind` or `kind:name=value,name=value`; `times=all` never ends.

        Raises:
            ValueError: No fault is written like this.
        """
        kind, _, rest = text.partition(":")
        given = {name: value for name, _, value in (part.partition("=") for part in rest.split(",") if part)}
        if unknown := given.keys() - _READERS.keys():
            raise ValueError(f"a fault has no {', '.join(sorted(unknown))}; it has {', '.join(_READERS)}")
        values = {name: _READERS[name](value) for name, value in given.items()}
        return cls(kind, **values)  # type: ignore[arg-type]  # the kind is checked there

    @property
    def commits(self) -> bool:
        """Whether the request is carried out before the fault shows."""
        return COMMITS.get(self.kind, self.kind in CHANGING) if self.commit is None else self.commit

    @property
    def duration(self) -> float:
        """The seconds, or the kind's usual."""
        return SECONDS.get(self.kind, 0.0) if self.seconds is None else self.seconds

    def aims_at(self, chosen: Chosen) -> bool:
        """Whether it waits for such a request."""
        return self.operation is None or self.operation == chosen.name or self.operation in chosen.root_fields


def _truth(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError(f"true or false, not {text!r}")
    return text == "true"


_READERS: dict[str, Callable[[str], Any]] = {
    "operation": str,
    "times": lambda text: None if text == "all" else int(text),
    "after": int,
    "probability": float,
    "commit": _truth,
    "seconds": float,
    "status": int,
    "retry_after": str,
    "body": str,
}
