"""What an error says may be billed, by what was asked for."""

from dataclasses import dataclass
from typing import Any, Literal

import pytest
from wires import graphql, refusal, scripted

from tensorone import OutcomeUnknown, QueryError, TemplateSpec
from tensorone._generated import operations
from tensorone._graphql.failed_attempt import MAYBE_BILLED, may_bill

LOST = graphql(None, refusal("Something went wrong.", "INTERNAL_SERVER_ERROR"))
TEMPLATE = TemplateSpec(name="t", image_name="i", container_disk_in_gb=1)


@dataclass(frozen=True)
class Field:
    """A root field."""

    name: str
    key: str = "x"
    arguments: tuple[str, ...] = ()
    selection: tuple[str, ...] = ()
    nullable: bool = True


@dataclass(frozen=True)
class Own:
    """An operation of somebody else."""

    fields: tuple[Field, ...]
    name: str = "Own"
    kind: Literal["query", "mutation"] = "mutation"
    document: str = "mutation Own{...}"
    result: type[Any] = dict
    idempotent: bool = False


def test_every_mutation_that_is_sent_once_has_its_words():
    """A new one must say what it may cost."""
    once = {
        field.name for each in operations() if each.kind == "mutation" and not each.idempotent for field in each.fields
    }
    assert set(MAYBE_BILLED) == once


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["clusterResume"], "a cluster may run because of it"),
        (["clusterResume", "clusterBidResume"], "a cluster may run because of it"),
        (["saveTemplate"], None),
        (["deleteEndpoint"], "the endpoint may be there"),
        (["saveTemplate", "clusterRename"], "what it makes or starts may be there, and billed"),
        (
            ["saveEndpoint", "clusterResume"],
            "the endpoint may be there, and bills its workers while they run; a cluster",
        ),
    ],
)
def test_words_follow_from_the_root_fields(names, words):
    """Several are listed one after the other; what bills nothing is left out."""
    billed = may_bill(Own(tuple(map(Field, names))))
    assert billed is None if words is None else (billed or "").startswith(words)
    assert may_bill(Own(tuple(map(Field, names)), kind="query")) is None


async def test_a_template_bills_nothing(open_client):
    """Neither when its answer was lost nor when it came with errors."""
    async with scripted(LOST) as server, open_client(server.url) as client:
        with pytest.raises(OutcomeUnknown) as caught:
            await client.templates.save(TEMPLATE)
        assert caught.value.billing is None
        with pytest.raises(OutcomeUnknown) as lost:
            await client.graphql.delete_endpoint("x")
        assert "workers" in (lost.value.billing or "")
    partial = graphql({"saveTemplate": {"id": "t"}}, refusal("half done"))
    async with scripted(partial) as server, open_client(server.url) as client:
        with pytest.raises(QueryError) as half:
            await client.templates.save(TEMPLATE)
        assert half.value.billing is None
