"""What a failure means for a fleet: to go on, to give a cluster up, or to say so at once. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorone._errors import (
    AuthenticationError,
    BidCeilingReached,
    ClusterNotFound,
    ConfigurationError,
    InvalidArgument,
    OperationUnsupported,
    QueryError,
    SpendLimitReached,
)

from .observations import RecoveryFailed

if TYPE_CHECKING:
    from decimal import Decimal

    from tensorone._errors import TensorOneError
    from tensorone._spot.terms import SearchTerms


FAILED_POLLS, REFUSED_POLLS = 20, 3  # in a row: in a way that should not be transient, and in one that is not


_COSTING = ("ResumeSpotCluster", "ResumeCluster", "RentSpotCluster")


def failed(
    cluster_id: str, error: TensorOneError, terms: SearchTerms, *, bids: tuple[tuple[Decimal, str], ...]
) -> RecoveryFailed:
    """What came of a recovery that ended with an error.

    Args:
        cluster_id: The cluster.
        error: The error.
        terms: On which it was tried.
        bids: The bids that were made, with their answers.
    """
    limited = isinstance(error, SpendLimitReached)
    final = is_final(error, terms)
    return RecoveryFailed(cluster_id, str(error), final, tried=bool(bids) or limited, limited=limited, bids=bids)


def is_final(error: TensorOneError, terms: SearchTerms) -> bool:
    """Whether another attempt would fail likewise."""
    if isinstance(error, BidCeilingReached):
        return terms.bidding.above_ceiling == "give_up"
    if isinstance(error, ClusterNotFound | InvalidArgument | OperationUnsupported):
        return True
    if not isinstance(error, QueryError) or error.retryable or error.operation not in _COSTING:
        return False
    # Neither the market nor a transient failure: the credit, the key's rights; or, with nothing sent, our own decision.
    return bool(error.errors) or error.attempts == 0


def is_permanent(error: TensorOneError, in_a_row: int) -> bool:
    """Whether to raise the error of a poll, of so many that failed in a row, instead of going on."""
    if isinstance(error, ConfigurationError):
        return True
    if error.retryable:
        return False
    return in_a_row >= (
        REFUSED_POLLS if isinstance(error, AuthenticationError | OperationUnsupported) else FAILED_POLLS
    )
