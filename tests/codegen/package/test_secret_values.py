"""Values of fields that are listed as secret: nothing that is written shows them, unless asked for."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json, to_jsonable_python

from tensorone._graphql import arguments
from tensorone_codegen.runtime.secret_values import masked

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from codegen.conftest import Project

SCHEMA = """
scalar JSON
input Variable { key: String! value: String! }
input Start { name: String! env: [Variable!] passwords: [String!] labels: JSON }
type Host { token: String! }
type Job { id: ID! env: [String!] labels: JSON pin: Int host: Host next: Job }
union Result = Job | Host
type Query { job: Job result: Result }
type Mutation { start(start: Start!): Job }
"""
QUERIES = """
query ReadJob { job { ...Job next { ...Job } } }
query ReadResult { result { ... on Job { id env } ... on Host { token } } }
query ReadNext { job { next { id env } } }
mutation StartJob($start: Start!) { start(start: $start) { id } }
fragment Job on Job { id env labels pin host { ...Host } }
fragment Host on Host { token }
"""
SECRET = ["Host.token", "Job.env", "Job.labels", "Job.pin", "Start.passwords", "Variable.value"]
JOB = {
    "id": "1",
    "env": ["PASSWORD=hush=hush", "EMPTY=", "TEXT=hush\nhush"],
    "labels": {"owner": "hush"},
    "pin": 4711,
    "host": {"token": "hush=hush"},
}
SHOWN = {
    "id": "1",
    "env": ["PASSWORD=***", "EMPTY=***", "TEXT=***"],
    "labels": {"owner": "***"},
    "pin": "***",
    "host": {"token": "***"},
}
ASKED = {"secrets": True}


@pytest.fixture(scope="module")
def jobs(make_project: Callable[..., Project]) -> ModuleType:
    """A package with secret fields of all kinds."""
    names = ", ".join(f'"{each}"' for each in SECRET)
    return make_project(SCHEMA, QUERIES, f"secret = [{names}]").generate().module()


@pytest.fixture
def job(jobs: ModuleType) -> Any:
    """A result with secrets."""
    return jobs.Job.model_validate(JOB)


WAYS: dict[str, Callable[[Any], Any]] = {
    "a dump": lambda job: job.model_dump(),
    "a dump with a context of the caller's": lambda job: job.model_dump(context={"secrets": "yes"}),
    "JSON": lambda job: json.loads(job.model_dump_json()),
    "JSON of whatever": lambda job: json.loads(to_json([job]))[0],
    "what is JSON": lambda job: to_jsonable_python({"job": job})["job"],
    "an adapter, as FastAPI has": lambda job: TypeAdapter(list[type(job)]).dump_python([job], mode="json")[0],
    "a dump that asks no field": lambda job: job.model_dump(serialize_as_any=True),
    "JSON that asks no field": lambda job: json.loads(job.model_dump_json(serialize_as_any=True, by_alias=True)),
    "an adapter of anything": lambda job: TypeAdapter(Any).dump_python(job),
    "a mapping": lambda job: {name: getattr(value, "model_dump", lambda v=value: v)() for name, value in job},
    "a pickle": lambda job: pickle.loads(pickle.dumps(job)).model_dump(context=ASKED),
}


@pytest.mark.parametrize("way", WAYS)
def test_nothing_that_is_written_shows_a_secret(job: Any, way: str) -> None:
    """Names of variables and of labels stay, and everything else is masked."""
    assert WAYS[way](job) == SHOWN
    assert "hush" not in repr(job) + str(job)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_no_pickle_holds_a_secret(job: Any, protocol: int) -> None:
    """The bytes themselves do not."""
    assert b"hush" not in pickle.dumps(job, protocol)


def test_secrets_are_written_when_asked_for(jobs: ModuleType, job: Any) -> None:
    """What is written then makes an equal model."""
    assert job.model_dump(context=ASKED) == JOB
    assert jobs.Job.model_validate(job.model_dump(context=ASKED)) == job
    assert jobs.Job.model_validate_json(job.model_dump_json(context=ASKED)) == job


def test_copies_keep_secrets(job: Any) -> None:
    """Within the process nothing is lost."""
    for each in (copy.copy(job), copy.deepcopy(job), job.model_copy(), job.model_copy(deep=True)):
        assert each == job
        assert each.env == JOB["env"]


def test_secrets_are_masked_in_unions_and_inline(jobs: ModuleType) -> None:
    """Also in classes that no fragment has."""
    result = jobs.ReadResult.model_validate({"result": {"__typename": "Job", "id": "1", "env": ["A=hush"]}})
    assert result.model_dump(by_alias=True) == {"result": {"__typename": "Job", "id": "1", "env": ["A=***"]}}
    read = jobs.ReadNext.model_validate({"job": {"next": {"id": "1", "env": ["hush"]}}})
    assert read.model_dump() == {"job": {"next": {"id": "1", "env": ["***"]}}}


def test_the_schema_of_what_is_written_keeps_its_types(jobs: ModuleType) -> None:
    """As a description of an API shows it."""
    env = jobs.Job.model_json_schema(mode="serialization")["properties"]["env"]
    assert env["anyOf"][0] == {"items": {"type": "string"}, "type": "array"}


def test_inputs_are_sent_whole_and_written_masked(jobs: ModuleType) -> None:
    """What the executor sends is what was given."""
    given = jobs.Start(name="n", env=[jobs.Variable(key="k", value="hush=hush")], passwords=["hush"], labels={"a": 1})
    assert "hush" not in repr(given) + given.model_dump_json() + str(dict(given))
    assert given.model_dump(exclude_unset=True)["env"] == [{"key": "k", "value": "***"}]
    sent = arguments.document(jobs.START_JOB, arguments.values({"start": given}))
    assert '{name:"n" env:[{key:"k" value:"hush=hush"}] passwords:["hush"] labels:{a:1}}' in sent
    assert jobs.Start.model_validate(given.model_dump(context=ASKED)) == given
    assert copy.deepcopy(given) == given


def test_a_mask_is_never_sent(jobs: ModuleType) -> None:
    """An input that was written without its secrets is not read again, and one that has any is not pickled."""
    given = jobs.Start(name="n", passwords=["hush", "PASSWORD=hush"])
    with pytest.raises(ValidationError, match="was masked when it was written: write it with model_dump"):
        jobs.Start.model_validate(given.model_dump())
    with pytest.raises(TypeError, match=r"Start\.passwords is secret and cannot be pickled"):
        pickle.dumps(given)
    plain = jobs.Start(name="n", passwords=None)
    assert pickle.loads(pickle.dumps(plain)) == plain


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        ("", "***"),
        ("KEY=value", "***"),
        (0, "***"),
        ([], []),
        (["KEY=value", None, 3], ["KEY=***", None, "***"]),
        (["KEY=value", "aHVzaA=="], ["KEY=***", "***"]),
        (["KEY=value", "EMPTY="], ["KEY=***", "EMPTY=***"]),
        (["aHVzaA==", "aHVza2g="], ["***", "***"]),
        (["KEY=value", "hush"], ["KEY=***", "***"]),
        (["https://host/?token=hush"], ["***"]),
        ([["A=b"], {"k": "v"}], [["A=***"], {"k": "***"}]),
        ({"k": {"deep": "v"}}, {"k": "***"}),
        (("A=b",), ["A=***"]),
    ],
)
def test_a_mask_keeps_names_and_nothing_else(value: object, shown: object) -> None:
    """A token in base64 only looks like an assignment."""
    assert masked(value) == shown
