"""What a search tried: candidates, and attempts as they are logged and passed to a hook."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

from tensorone._data.dataclass import dataclass
from tensorone._errors import TensorOneError
from tensorone._events.cleanup import Failure
from tensorone._events.emitter import Emitter
from tensorone._events.hooks import told
from tensorone._events.loops import RoundEnded, Tried
from tensorone._generated import CloudType  # noqa: TC001 - pydantic reads it
from tensorone._graphql import calls

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from decimal import Decimal

__all__ = ["Attempt"]

SUCCESSES = ("won", "started")  # answers of which another event tells

MarketKind = Literal["spot", "on_demand"]


class Candidate(NamedTuple):
    """A GPU type in a cloud type; None lets the server choose the cloud type."""

    gpu_type_id: str
    cloud_type: CloudType | None

    def __str__(self) -> str:
        return self.gpu_type_id if self.cloud_type is None else f"{self.gpu_type_id} ({self.cloud_type.value})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt to get a cluster, or the reason why none was made.

    Attributes:
        at: When, UTC.
        gpu_type_id: For which GPU type; None for all of them, when the prices could not be read.
        cloud_type: In which cloud type; None if the server chose.
        kind: Whether as a spot or as an on-demand cluster.
        bid_per_gpu: The bid, or the fixed price, US dollars per GPU and hour; None if nothing was sent.
        reason: Why this bid, or why no bid.
        answer: The result: "won", or the server's refusal in its own words, or how its answer was lost; "" if
            nothing was sent.
    """

    at: datetime
    gpu_type_id: str | None
    cloud_type: CloudType | None = None
    kind: MarketKind = "spot"
    bid_per_gpu: float | None
    reason: str
    answer: str

    def __str__(self) -> str:
        about = "the market" if self.gpu_type_id is None else str(Candidate(self.gpu_type_id, self.cloud_type))
        paying = "" if self.bid_per_gpu is None else f" at {self.bid_per_gpu:g} USD per GPU-hour"
        return f"{self.at:%H:%M:%S} {about}, {self.kind.replace('_', '-')}{paying}: {self.answer or self.reason}"


class AttemptLog:
    """The attempts of one search, each also passed to the caller's hook, and told as events.

    Args:
        on_attempt: The hook.
        call: What the user called, for errors and events.
        events: Where they are reported.
    """

    def __init__(
        self, on_attempt: Callable[[Attempt], object] | None, *, call: str, events: Emitter | None = None
    ) -> None:
        self.attempts: list[Attempt] = []
        self.call = call
        self._on_attempt = told("on_attempt", on_attempt)
        self._events = events or Emitter()
        self._rounds = self._told = 0
        self._reasons: set[str] = set()  # of the rounds of all searches of one call, so that each is news once

    def note(
        self,
        candidate: Candidate | None,
        reason: str,
        *,
        paying: Decimal | None = None,
        answer: str = "",
        kind: MarketKind = "spot",
    ) -> None:
        """Logs an attempt."""
        attempt = Attempt(
            at=datetime.now(UTC),
            gpu_type_id=candidate.gpu_type_id if candidate else None,
            cloud_type=candidate.cloud_type if candidate else None,
            kind=kind,
            bid_per_gpu=None if paying is None else float(paying),
            reason=reason,
            answer=answer,
        )
        self.attempts.append(attempt)
        if candidate is not None and answer:
            self._events.emit_at(
                logging.DEBUG if answer in SUCCESSES else logging.INFO,
                Tried,
                call=self.call,
                gpu_type_id=attempt.gpu_type_id,
                cloud_type=None if attempt.cloud_type is None else attempt.cloud_type.value,
                kind=kind,
                bid_per_gpu=attempt.bid_per_gpu,
                reason=reason,
                answer=answer,
            )
        if self._on_attempt is not None:
            try:
                self._on_attempt(attempt)
            except Exception:  # noqa: BLE001 - a failing hook must not lose the cluster that was just won
                self._events.emit(Failure, text="on_attempt failed")

    def end_round(self, wait: float) -> None:
        """Tells that a round won nothing, with the reasons why nothing was sent; at DEBUG if they are known."""
        tried, self._told = self.attempts[self._told :], len(self.attempts)
        self._rounds += 1
        if not self._events.wants(logging.INFO):
            return
        unsent = (each for each in tried if each.gpu_type_id is None or not each.answer)
        reasons = tuple(dict.fromkeys(_reason(each) for each in unsent))
        level = logging.DEBUG if self._reasons.issuperset(reasons) else logging.INFO
        self._reasons.clear()
        self._reasons.update(reasons)
        self._events.emit_at(level, RoundEnded, call=self.call, number=self._rounds, reasons=reasons, wait=wait)

    @contextmanager
    def attach_to_errors(self) -> Generator[None]:
        """Attaches the attempts so far to every error that leaves the block, and the name of the call."""
        with calls.named(self.call):
            try:
                yield
            except TensorOneError as error:
                error.ledger = tuple(self.attempts)
                raise

    def sibling(self) -> AttemptLog:
        """An empty log for the same hook."""
        other = AttemptLog(self._on_attempt, events=self._events, call=self.call)
        other._reasons = self._reasons
        return other

    def summary(self) -> str:
        """Each candidate with its latest answer, as one line; if none was tried, the latest failure of all of them."""
        latest = {_about(each): each.answer or each.reason for each in self.attempts}
        named = {about: words for about, words in latest.items() if about} or latest
        return "; ".join(f"{about}: {_lower(words)}" if about else _lower(words) for about, words in named.items())

    @property
    def last_bid(self) -> float | None:
        """The latest bid that was sent."""
        bids = [each.bid_per_gpu for each in self.attempts if each.kind == "spot" and each.bid_per_gpu is not None]
        return bids[-1] if bids else None


def _about(attempt: Attempt) -> str:
    return "" if attempt.gpu_type_id is None else str(Candidate(attempt.gpu_type_id, attempt.cloud_type))


def _reason(attempt: Attempt) -> str:
    about, words = _about(attempt), f"{attempt.reason}: {attempt.answer}" if attempt.answer else attempt.reason
    return f"{about}: {_lower(words)}" if about else _lower(words)


def _lower(words: str) -> str:
    """A sentence as part of another: its first word in lower case unless it is a name, and no full stop."""
    first = words.partition(" ")[0]
    return (words[:1].lower() + words[1:] if first[1:].islower() else words).rstrip(".")
