"""What a failure means for a fleet: to go on, to give a cluster up, or to say so at once. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorone._clusters.cleanup import named_in
from tensorone._data.dataclass import dataclass
from tensorone._errors import (
    AuthenticationError,
    BidCeilingReached,
    ClusterNotFound,
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
    if named_in(error) is not None:  # it was carried out, whatever the errors beside it mean
        return False
    # Neither the market nor a transient failure: the credit, the key's rights; or, with nothing sent, our own decision.
    return bool(error.errors) or error.attempts == 0


@dataclass(frozen=True, slots=True)
class FailedPolls:
    """How many polls failed in a row in a way that should not be transient; a lost connection in between ends the row.

    Attributes:
        lasting: Those that failed in any such way.
        refused: Those of them, the latest, by which the server refused the key or the listing itself.
    """

    lasting: int = 0
    refused: int = 0

    def after(self, error: TensorOneError) -> FailedPolls:
        """With one more."""
        if error.retryable:
            return FailedPolls()
        refused = isinstance(error, AuthenticationError | OperationUnsupported)
        return FailedPolls(self.lasting + 1, self.refused + 1 if refused else 0)

    @property
    def permanent(self) -> bool:
        """Whether to raise the error of the latest one, instead of going on."""
        return self.lasting >= FAILED_POLLS or self.refused >= REFUSED_POLLS
