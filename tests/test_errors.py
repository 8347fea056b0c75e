"""The tree of errors: its shape, its attributes, and that each error can be sent to another process."""

import copy
import inspect
import pickle

import httpx
import pytest

import tensorone
from tensorone import (
    BidCeilingReached,
    ConnectionFailed,
    NotStarted,
    OutcomeUnknown,
    QueryError,
    RateLimited,
    SpendLimitReached,
    TensorOneError,
    UnexpectedResponse,
    WaitTimedOut,
    _errors,
)

TREE = {
    "TensorOneError": "Exception",
    "ConfigurationError": "TensorOneError",
    "InvalidArgument": "TensorOneError ValueError",
    "ConnectionFailed": "TensorOneError",
    "RequestTimedOut": "ConnectionFailed TimeoutError",
    "UnexpectedResponse": "TensorOneError",
    "QueryError": "TensorOneError",
    "AuthenticationError": "QueryError",
    "RateLimited": "QueryError",
    "ClusterNotFound": "QueryError",
    "NoCapacity": "QueryError",
    "BidTooLow": "QueryError",
    "OperationUnsupported": "QueryError",
    "OutcomeUnknown": "TensorOneError",
    "BidCeilingReached": "TensorOneError",
    "SpendLimitReached": "TensorOneError",
    "WaitTimedOut": "TensorOneError TimeoutError",
}
EXAMPLES = [
    TensorOneError("words", operation="Op", attempts=3, billing="a machine"),
    UnexpectedResponse("words", status_code=502, excerpt="<html>", request_id="r"),
    QueryError("words", errors=[{"message": "m", "extensions": {"a": 1}}], data={"x": None}, status_code=400),
    RateLimited("words", retry_after=1.5, status_code=429),
    OutcomeUnknown("words", client_token="t"),
    BidCeilingReached("words", ceiling=0.3, minimum_bid=0.4, last_bid=0.3),
    SpendLimitReached("words", limit=1, committed=0.5, requested=0.6),
    WaitTimedOut("words", last_seen={"id": "x"}),
    NotStarted("words"),
]


def test_the_tree_is_what_the_documentation_draws():
    """Every class has its bases, is exported, and is drawn in the module's docstring and in the README."""
    classes = {name: kind for name, kind in vars(_errors).items() if inspect.isclass(kind) and name in _errors.__all__}
    assert {name: " ".join(base.__name__ for base in kind.__bases__) for name, kind in classes.items()} == TREE
    for name in TREE:
        assert name in tensorone.__all__
        assert name in (_errors.__doc__ or "")


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_errors_cross_processes_whole(error):
    """Pickling and copying keep class, message, attributes and cause."""
    error.__cause__ = ConnectionFailed("below", attempts=2)
    for duplicate in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(duplicate) is type(error)
        assert str(duplicate) == str(error)
        assert vars(duplicate) == vars(error)
        assert type(duplicate.__cause__) is ConnectionFailed
        assert duplicate.__cause__.attempts == 2


def test_a_cause_that_cannot_be_pickled_leaves_its_message():
    """A cause may hold sockets; its message is kept."""
    error = ConnectionFailed("words")
    error.__cause__ = httpx.ConnectError("refused", request=httpx.Request("POST", "http://h"))
    error.__cause__.socket = (part for part in "x")
    assert str(pickle.loads(pickle.dumps(error)).__cause__) == "ConnectError: refused"


def test_what_may_be_tried_again_says_so():
    """The class decides whether an error is retryable, unless the single case is known better."""
    assert [error.retryable for error in EXAMPLES] == [False, False, False, True, False, False, False, True, True]
    assert QueryError("words", retryable=True).retryable
