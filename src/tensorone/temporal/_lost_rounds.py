"""What a round came to that ended without an outcome. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio.exceptions import ActivityError, TimeoutError, TimeoutType  # noqa: A004 - Temporal's

from tensorone import AuthenticationError, ConfigurationError, InvalidArgument
from tensorone.fleet import Pending, RecoveryFailed

from ._failures import original_error

if TYPE_CHECKING:
    from typing import Any

    from temporalio.workflow import ActivityHandle

REFUSED = AuthenticationError, ConfigurationError, InvalidArgument  # of a round that was its own: nothing was rented


def outcome_of(error: BaseException, cluster_id: str, *, new: bool) -> RecoveryFailed | Pending:
    """What is known of a round whose activity failed: its worker died, was too slow, or may not.

    Args:
        error: What the activity's handle raised.
        cluster_id: The cluster of the round.
        new: Whether the round had an intent of its own.
    """
    cause = error.cause if isinstance(error, ActivityError) else error
    if isinstance(cause, TimeoutError) and cause.type == TimeoutType.SCHEDULE_TO_START and new:
        return RecoveryFailed(cluster_id, "No worker was free to begin the round in time.", tried=False)
    if new and isinstance(refused := original_error(error), REFUSED):
        return RecoveryFailed(cluster_id, str(refused))
    return Pending(cluster_id, None, f"What came of a round is not known: {cause}. It is looked for first.")


def ignored(handle: ActivityHandle[Any]) -> None:
    """Nobody waits for it any more; without this, its end would be logged as an error that nobody took."""
    if not handle.cancelled():
        handle.exception()


def trouble_of(error: BaseException) -> str | None:
    """What a person has to know of a failed round or end; None if it passes by itself."""
    found = original_error(error)
    return None if found is None or found.repeatable else words_of(error)


def words_of(error: BaseException) -> str:
    """What an activity failed with, in words."""
    found = original_error(error) or (error.cause if isinstance(error, ActivityError) else None) or error
    return f"{type(found).__name__}: {found}"


def raise_unless(cancelled: bool, error: BaseException) -> None:  # noqa: FBT001 - what the name asks
    """Passes on what ends a workflow's wait, such as its eviction from a worker, unless somebody cancelled it."""
    if not cancelled:
        raise error
