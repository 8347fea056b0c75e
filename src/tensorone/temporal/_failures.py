"""The SDK's errors as failures that Temporal stores, and back; whole, and with what they say of a repeat. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from temporalio.converter import DefaultFailureConverter
from temporalio.exceptions import ApplicationError

from tensorone import InvalidArgument, TensorOneError

if TYPE_CHECKING:
    from temporalio.api.failure.v1 import Failure
    from temporalio.converter import PayloadConverter


class KitFailureConverter(DefaultFailureConverter):
    """As Temporal's own, but an error of the SDK keeps its fields, and says whether to repeat and when."""

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        """Writes the failure."""
        if isinstance(exception, TensorOneError):
            exception = application_error(exception)
        super().to_failure(exception, payload_converter, failure)


def application_error(error: TensorOneError) -> ApplicationError:
    """The error in Temporal's form; its cause is in the details, so that no foreign words are stored twice."""
    seconds: float | None = getattr(error, "retry_after", None)
    made = ApplicationError(
        str(error),
        error.to_json(),
        type=type(error).__name__,
        non_retryable=not error.repeatable,
        next_retry_delay=None if seconds is None else timedelta(seconds=seconds),
    )
    return made.with_traceback(error.__traceback__)


def original_error(error: BaseException) -> TensorOneError | None:
    """The SDK's error behind one that Temporal raised, with all its fields: what an activity failed with.

    Args:
        error: What was caught: a `temporalio.exceptions.ActivityError` in a workflow, for example.

    Returns:
        The error; None if none of the SDK is behind it.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, TensorOneError):
            return cause
        if isinstance(cause, ApplicationError) and cause.details and isinstance(cause.details[0], str):
            try:
                return TensorOneError.from_json(cause.details[0])
            except InvalidArgument:
                return None
        cause = cause.__cause__
    return None
