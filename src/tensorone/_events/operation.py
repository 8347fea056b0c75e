"""`SeenOperation`: one operation with its attempts, as spans, metrics and the event of each attempt show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

import anyio

from tensorone._errors import ClusterNotFound, OutcomeUnknown, TensorOneError

from . import keys
from .requests import Attempted
from .telemetry import of_metric

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from .emitter import Emitter
    from .event import Attribute
    from .requests import Outcome
    from .telemetry import Telemetry


class Named(Protocol):
    """What is to be known of an operation."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> Literal["query", "mutation"]: ...


class Failed(Protocol):
    """What is to be known of an attempt that failed."""

    @property
    def kind(self) -> type[TensorOneError]: ...
    @property
    def words(self) -> str: ...
    @property
    def details(self) -> Mapping[str, Any]: ...


class SeenOperation:
    """A block round one operation; made only where somebody wants to know.

    Args:
        emitter: The client's.
        telemetry: OpenTelemetry, where it is on.
        operation: The operation.
        call: The call that sends it, such as ``"clusters.list"``.
        told: Whether the log or the hook wants an event for each attempt.
        attempts: How often it was sent before.
    """

    def __init__(  # noqa: PLR0913 - what one operation is about
        self, emitter: Emitter, telemetry: Telemetry | None, operation: Named, call: str, *, told: bool, attempts: int
    ) -> None:
        self._emitter = emitter
        self._telemetry = telemetry
        self._operation = operation
        self._call = call
        self._told = told
        self._attempts = attempts
        self._began = self._joined = anyio.current_time()
        self._waited = self._queued = self._paused = 0.0
        self._status: int | None = None
        self._request_id: str | None = None
        self._outcome: Outcome = "ok"
        self._latest: dict[str, Attribute] = {}
        self._failed: type[Exception] | None = None  # the latest attempt, in this way
        self._about = {
            keys.OPERATION: operation.name,
            keys.OPERATION_TYPE: operation.kind,
            keys.CALL: call,
            **emitter.common,
        }

    def __enter__(self) -> Self:
        if self._telemetry is not None:
            self._begun = self._telemetry.begin(
                f"{self._operation.kind} {self._operation.name}", self._about, client=True
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        if self._telemetry is None:
            return
        if isinstance(error, OutcomeUnknown):
            self._outcome = "unknown"
        elif kind is not None and not isinstance(error, TensorOneError):
            self._outcome = "cancelled"
        # A request that several calls share fails without an error here: each of them raises its own.
        failed = self._failed if kind is None else kind if issubclass(kind, Exception) else None
        attributes = self._about | self._latest | {keys.OUTCOME: self._outcome}
        if failed is not None:
            attributes[keys.ERROR] = failed.__name__
        with self._telemetry.harmless():
            self._telemetry.duration.record(anyio.current_time() - self._began, of_metric(attributes))
        attributes |= {keys.QUEUED: self._queued, keys.PAUSED: self._paused}
        # That a cluster is not there is an answer to the question.
        error_type = failed.__name__ if failed is not None and not issubclass(failed, ClusterNotFound) else None
        self._telemetry.end(self._begun, attributes, error=error_type)

    def joins(self) -> None:
        """An attempt joins the client's queue."""
        self._joined, self._status, self._request_id = anyio.current_time(), None, None

    def starts(self, started: float) -> None:
        """An attempt is let out of the queue."""
        self._attempts += 1
        self._waited, self._joined = started - self._joined, started
        self._queued += self._waited
        if self._telemetry is not None:
            with self._telemetry.harmless():
                self._telemetry.in_flight.add(1, self._emitter.common)
                self._telemetry.queued.record(self._waited, of_metric(self._about))

    def answered(self, status: int, request_id: str | None) -> None:
        """A response came to an attempt."""
        self._status, self._request_id = status, request_id

    def ends(self, now: float, failed: Failed | None) -> None:
        """An attempt ended, in whatever way; without a response and without a failure it was cancelled."""
        if failed is not None and self._status is None:
            self._status = failed.details.get("status_code")  # of a response that must not be read
        if self._status is None:
            self._outcome = "cancelled" if failed is None else "lost"
        else:
            self._outcome = "ok" if failed is None else "refused"
        self._failed = None if failed is None else failed.kind
        self._about[keys.OPERATION] = self._operation.name  # of a shared request, known when it leaves
        error = None if failed is None else failed.kind.__name__
        if self._telemetry is not None:
            self._count(self._telemetry, error)
        if self._told:
            self._emitter.emit(
                Attempted,
                call=self._call,
                operation=self._operation.name,
                operation_type=self._operation.kind,
                outcome=self._outcome,
                attempt=self._attempts,
                seconds=now - self._joined,
                queue_seconds=self._waited,
                status_code=self._status,
                error_type=error,
                request_id=self._request_id,
            )

    def _count(self, telemetry: Telemetry, error: str | None) -> None:
        known = (
            (keys.STATUS, self._status),
            (keys.REQUEST_ID, self._request_id),
            (keys.RESENDS, self._attempts - 1 or None),
        )
        self._latest = {key: value for key, value in known if value is not None}
        failed = {} if error is None else {keys.ERROR: error}
        counted = self._about | self._latest | failed | {keys.OUTCOME: self._outcome}
        with telemetry.harmless():
            telemetry.attempts.add(1, of_metric(counted))
            telemetry.in_flight.add(-1, self._emitter.common)

    def pauses(self, wait: float) -> None:
        """It is sent again after so many seconds."""
        self._paused += wait
