"""The pages about errors: one for each class, in step with the class; tests/test_pages.py runs their examples."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tensorone import NotStarted, _errors
from tensorone._cli._output.failures import failure_of

DOCS = Path(__file__).parents[1] / "docs"
KINDS = [*(getattr(_errors, name) for name in _errors.__all__), NotStarted]
INDEX = (DOCS / "errors" / "index.md").read_text(encoding="utf-8")
# How the message of each class's example ends: with what to do, or with what is allowed. The base has no message.
ENDS = {
    "AuthenticationError": "(check the key in TENSORONE_API_KEY, its expiry date and its rights)",
    "BidCeilingReached": "(raise the ceiling, or name more GPU types)",
    "BidTooLow": "(ask client.spot.quote for the minimum)",
    "ClusterNotFound": "(list the clusters to see which there are)",
    "ConfigurationError": ": write it as https://api.tpu.one/graphql",
    "ConnectionFailed": "(check the network and the url)",
    "InvalidArgument": ": write a number from 1 to 65535 and a protocol, as in '8888/http'",
    "NoCapacity": "(try another GPU type or cloud, or later)",
    "NotStarted": "(call again with what was not started)",
    "OperationUnsupported": "update the SDK, or regenerate it from that schema)",
    "OutcomeUnknown": "or repeat the call with client_token='train-7'",
    "QueryError": "(these are the server's own words: change the call to fit them, or ask its support)",
    "RateLimited": "(send less, or give RetryPolicy a longer total_timeout)",
    "RequestTimedOut": "(try again, or give the client a longer timeout)",
    "SpendLimitReached": "(end a cluster, or raise the limit)",
    "UnexpectedResponse": "if it is right, the server has a fault or moved on: update the SDK)",
    "WaitTimedOut": "(wait again, or terminate it)",
}


def file_of(kind: type) -> str:
    """The name of a class's page."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind.__name__).lower() + ".md"


def test_every_class_has_a_page_and_no_page_is_left_over():
    """In the folder, in the table of the index, and in the menu."""
    named = {kind.__name__: file_of(kind) for kind in KINDS}
    assert {path.name for path in (DOCS / "errors").glob("*.md")} == {"index.md", *named.values()}
    assert dict(re.findall(r"^\| \[(\w+)\]\(([\w-]+\.md)\)", INDEX, re.MULTILINE)) == named
    (menu,) = (
        each["Errors"]
        for each in tomllib.loads((DOCS / "zensical.toml").read_text())["project"]["nav"]
        if "Errors" in each
    )
    index, classes = menu
    assert index == "errors/index.md"
    assert {name: file for each in classes["Each class"] for name, file in each.items()} == {
        name: f"errors/{file}" for name, file in named.items()
    }


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_page_says_what_there_is_to_know(kind):
    """What is billed, whether to call again, the exit status, the bases, what to do, and how it comes about."""
    page = (DOCS / "errors" / file_of(kind)).read_text(encoding="utf-8")
    facts = dict(re.findall(r"^- \*\*(.+):\*\* (.+)$", page, re.MULTILINE))
    assert list(facts) == ["Billed now", "`.retryable`", "Exit status of the command line", "Kind of"]
    assert re.findall(r"\w+(?=[`\]])", facts["Kind of"]) == [base.__name__ for base in kind.__bases__]
    assert re.findall(r"^#+ (.+)$", page, re.MULTILINE) == [kind.__name__, "What to do", "How it comes about"]
    assert f"except {kind.__name__} as error" in page or kind is NotStarted
    row = re.search(rf"^\| \[{kind.__name__}\].*\| (\d+) \|$", INDEX, re.MULTILINE)
    assert row is not None
    assert facts["Exit status of the command line"].startswith(row[1])
    if kind is not NotStarted:  # of several, so that it is a part of `some_failed`
        failure = failure_of(kind.__new__(kind, "words"))
        assert row[1] == str(failure.status)
        if kind is not _errors.TensorOneError:
            assert f"{failure.status} (`{failure.code}`)" in facts["Exit status of the command line"]
    if kind is not _errors.TensorOneError:
        assert facts["`.retryable`"].startswith(f"`{kind._retryable}`")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_its_message_ends_with_what_to_do(kind):
    """In words, since the pages have no public address that a message could name."""
    printed = re.search(r"^```text\n(.*?)^```", (DOCS / "errors" / file_of(kind)).read_text(), re.MULTILINE | re.DOTALL)
    assert printed is not None
    if kind is not _errors.TensorOneError:
        assert [line for line in printed[1].splitlines() if line.endswith(ENDS[kind.__name__])], printed[1]
