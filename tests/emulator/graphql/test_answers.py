"""How the fields of the schema show the world."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from emulator.worlds import A6000
from graphql import GraphQLObjectType, build_schema, extend_schema, get_named_type, parse, print_schema

from tensorone.emulator import Boot, Emulator
from tensorone.emulator._emulator import _installed_schema
from tensorone.emulator._graphql.orders import order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Ask

DEPLOY = """mutation { clusterFindAndDeployOnDemand(input: {imageName: "image", gpuTypeId: "NVIDIA RTX A6000" %s})
    { %s } }"""


def selection(type_name: str) -> str:
    """Every field of a type without required arguments, all the way down."""
    kind = build_schema(_installed_schema()).type_map[type_name]
    assert isinstance(kind, GraphQLObjectType)
    fields = []
    for name, field in kind.fields.items():
        named = get_named_type(field.type)
        inner = selection(named.name) if isinstance(named, GraphQLObjectType) else ""
        fields.append(f"{name} {inner}")
    return "{ " + " ".join(fields) + " }"


def test_every_field_of_the_schema_is_answered(emulator: Emulator, ask: Ask) -> None:
    """No field of the schema fails, and for a running spot cluster only one is null."""
    emulator.world.resume("d62t7qg9n5vtan", bid=emulator.world.minimum_bid(A6000))
    content = ask(f"{{ myself {selection('User')} gpuTypes {selection('GpuType')} }}").json()
    assert "errors" not in content
    cluster = next(each for each in content["data"]["myself"]["clusters"] if each["id"] == "d62t7qg9n5vtan")
    assert [name for name, value in cluster.items() if value is None] == ["lowestBidPriceToResume"]
    assert all(value is not None for value in content["data"]["myself"].values())


def test_a_deploy_keeps_what_it_was_given(ask: Ask) -> None:
    """Every input field with a counterpart in the output has the given value there."""
    given = """, cloudType: COMMUNITY, gpuCount: 2, name: "n", dockerArgs: "a b", ports: "8888/http,22/tcp",
        volumeInGb: 7, volumeMountPath: "/v", containerDiskInGb: 8, minVcpuCount: 9, minMemoryInGb: 10,
        env: [{key: "A", value: "1=2"}, {key: "B", value: ""}]"""
    fields = """name imageName env dockerArgs ports gpuCount volumeInGb volumeMountPath containerDiskInGb vcpuCount
        memoryInGb clusterType desiredStatus machine { secureCloud gpuTypeId }"""
    assert ask(DEPLOY % (given, fields)).json()["data"]["clusterFindAndDeployOnDemand"] == {
        "name": "n",
        "imageName": "image",
        "env": ["A=1=2", "B="],
        "dockerArgs": "a b",
        "ports": "8888/http,22/tcp",
        "gpuCount": 2,
        "volumeInGb": 7,
        "volumeMountPath": "/v",
        "containerDiskInGb": 8,
        "vcpuCount": 9,
        "memoryInGb": 10,
        "clusterType": "RESERVED",
        "desiredStatus": "RUNNING",
        "machine": {"secureCloud": False, "gpuTypeId": A6000},
    }


def test_an_order_may_come_as_a_variable(ask: Ask) -> None:
    """Enums, lists and nested inputs work in variables as in documents."""
    document = """mutation Deploy($input: ClusterFindAndDeployOnDemandInput!) {
        clusterFindAndDeployOnDemand(input: $input) { env machine { secureCloud } } }"""
    given = {"imageName": "i", "gpuTypeId": A6000, "cloudType": "COMMUNITY", "env": [{"key": "A", "value": "1"}]}
    content = ask(document, variables={"input": given}).json()
    assert content["data"]["clusterFindAndDeployOnDemand"] == {"env": ["A=1"], "machine": {"secureCloud": False}}


FURTHER = """
    extend input ClusterFindAndDeployOnDemandInput { dataCenterId: String countryCode: String templateId: String
        networkVolumeId: String allowedCudaVersions: [String] supportPublicIp: Boolean stopAfter: DateTime }
    extend input ClusterRentInterruptableInput { dataCenterId: String allowedCudaVersions: [String] }
    extend input ClusterResumeInput { syncMachine: Boolean }
    extend input GpuLowestPriceInput { dataCenterId: String totalDisk: Int }
"""


@pytest.fixture(scope="module")
def further() -> Iterator[Emulator]:
    """An emulator whose schema has more input fields, which the sibling API has too."""
    schema = extend_schema(build_schema(_installed_schema()), parse(FURTHER))
    with Emulator(schema=print_schema(schema), speed=0) as emulator:
        yield emulator


def test_further_input_fields_are_kept_with_the_order(further: Emulator) -> None:
    """Declared fields that the emulator does not act on are in `order.further`; null counts as left out."""
    given = {
        "dataCenterId": "EU-RO-1",
        "countryCode": None,
        "networkVolumeId": "vol",
        "allowedCudaVersions": ["12.8"],
        "supportPublicIp": True,
        "stopAfter": "2026-11-27T00:00:00.000Z",
    }
    document = (
        "mutation($input: ClusterFindAndDeployOnDemandInput) { clusterFindAndDeployOnDemand(input: $input) { id } }"
    )
    plain = {"imageName": "i", "gpuTypeId": A6000, "env": [{"key": "A", "value": "1"}]}
    placed = post(further, document, {"input": plain | given})["clusterFindAndDeployOnDemand"]
    kept = further.world.clusters[placed["id"]].order
    assert kept.further == {name: value for name, value in given.items() if value is not None}
    assert (kept.image_name, kept.env) == ("i", (("A", "1"),))
    assert "EU-RO-1" not in repr(kept)


def test_further_input_fields_work_in_documents(further: Emulator) -> None:
    """A rent, a resume and a price with such fields are answered as without them; a template needs no image."""
    rent = f'bidPerGpu: 0.2, imageName: "i", gpuTypeId: "{A6000}", dataCenterId: "X", allowedCudaVersions: ["12.8"]'
    data = post(
        further,
        f"""mutation {{
            rent: clusterRentInterruptable(input: {{{rent}}}) {{ id clusterType }}
            resume: clusterResume(input: {{clusterId: "inzk6tzuz833h5", syncMachine: true}}) {{ desiredStatus }}
            templated: clusterFindAndDeployOnDemand(input: {{templateId: "t", gpuTypeId: "{A6000}"}}) {{ imageName }}
        }}""",
    )
    assert data["rent"]["clusterType"] == "INTERRUPTABLE"
    assert further.world.clusters[data["rent"]["id"]].order.further == {
        "dataCenterId": "X",
        "allowedCudaVersions": ["12.8"],
    }
    assert (data["resume"], data["templated"]) == ({"desiredStatus": "RUNNING"}, {"imageName": ""})
    price = '(input: {dataCenterId: "X", totalDisk: 10})'
    (model,) = post(further, f'{{ gpuTypes(input: {{id: "{A6000}"}}) {{ lowestPrice{price} {{ stockStatus }} }} }}')[
        "gpuTypes"
    ]
    assert model["lowestPrice"]["stockStatus"] == "High"


def test_entries_of_an_environment_may_be_null() -> None:
    """A null entry, which a schema may allow, is ignored."""
    assert order({"imageName": "i", "gpuTypeId": A6000, "env": [None, {"key": "A", "value": "1"}]}).env == (("A", "1"),)


def post(emulator: Emulator, document: str, variables: object = None) -> Any:
    """The data of an answer without errors."""
    body = {"query": document, "variables": variables}
    content = httpx.post(emulator.url, params={"api_key": emulator.api_key}, json=body).json()
    assert "errors" not in content
    return content["data"]


def test_what_is_left_out_gets_the_siblings_defaults(ask: Ask) -> None:
    """Null counts as left out."""
    fields = "gpuCount volumeInGb containerDiskInGb ports vcpuCount memoryInGb machine { secureCloud }"
    assert ask(DEPLOY % (", gpuCount: null", fields)).json()["data"]["clusterFindAndDeployOnDemand"] == {
        "gpuCount": 1,
        "volumeInGb": 20,
        "containerDiskInGb": 50,
        "ports": "8888/http,22/tcp",
        "vcpuCount": 2,
        "memoryInGb": 8,
        "machine": {"secureCloud": True},
    }


@pytest.mark.parametrize(
    "bad",
    [
        'imageName: "", gpuTypeId: "NVIDIA RTX A6000"',
        'gpuTypeId: "NVIDIA RTX A6000"',
        'imageName: "i"',
        'imageName: "i", gpuTypeId: "NVIDIA RTX A6000", gpuCount: -1',
        'imageName: "i", gpuTypeId: "NVIDIA RTX A6000", volumeInGb: -1',
        'imageName: "i", gpuTypeId: "NVIDIA RTX A6000", ports: "8888"',
        'imageName: "i", gpuTypeId: "NVIDIA RTX A6000", ports: "70000/http"',
        'imageName: "i", gpuTypeId: "NVIDIA RTX A6000", ports: "0/http"',
    ],
)
def test_impossible_orders_fail(emulator: Emulator, ask: Ask, bad: str) -> None:
    """An impossible order is answered with the service's generic error, and starts nothing."""
    before = emulator.world.clusters.keys()
    content = ask(f"mutation {{ clusterFindAndDeployOnDemand(input: {{{bad}}}) {{ id }} }}").json()
    assert content["data"] == {"clusterFindAndDeployOnDemand": None}
    assert content["errors"][0]["message"].startswith("Something went wrong.")
    assert content["errors"][0]["extensions"] == {"code": "INTERNAL_SERVER_ERROR"}
    assert emulator.world.clusters.keys() == before


@pytest.mark.parametrize("fields", ["bidPerGpu: 1e999, gpuCount: 1", "bidPerGpu: 0.2, gpuCount: -1"])
def test_impossible_bids_fail(emulator: Emulator, ask: Ask, fields: str) -> None:
    """An infinite bid, or a negative number of GPUs, starts nothing."""
    document = f'mutation {{ clusterBidResume(input: {{clusterId: "d62t7qg9n5vtan", {fields}}}) {{ id }} }}'
    assert ask(document).json()["errors"][0]["extensions"] == {"code": "INTERNAL_SERVER_ERROR"}
    assert not emulator.world.clusters["d62t7qg9n5vtan"].running


def test_a_failure_of_the_emulator_is_answered_and_logged(
    emulator: Emulator, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer is the generic error, and the log says that the emulator has a bug."""
    emulator.world.pay_in("1E30")
    emulator.world.advance(1e15)  # no date is that late
    content = ask(DEPLOY % ("", "id lastStartedAt")).json()
    assert content["errors"][0]["extensions"] == {"code": "INTERNAL_SERVER_ERROR"}
    assert "bug of the emulator" in caplog.text


def test_gpu_types_may_be_narrowed(ask: Ask) -> None:
    """The list has one id, several, or all; an unknown id gives an empty list."""

    def ids(argument: str) -> list[str]:
        return [each["id"] for each in ask(f"{{ gpuTypes{argument} {{ id }} }}").json()["data"]["gpuTypes"]]

    assert ids('(input: {id: "NVIDIA L4"})') == ["NVIDIA L4"]
    assert ids('(input: {ids: ["NVIDIA L4", "NVIDIA L40", "?"]})') == ["NVIDIA L4", "NVIDIA L40"]
    assert ids('(input: {id: "?"})') == []
    assert len(ids("")) == len(ids("(input: {})")) == 23


@pytest.mark.parametrize(
    ("limits", "price"),
    [
        ("", 0.33),
        ("(input: {secureCloud: true})", 0.49),
        ("(input: {secureCloud: false, gpuCount: 8})", 0.33),
        ("(input: {gpuCount: 9})", None),
        ("(input: {minVcpuCount: 1000})", None),
        ("(input: {minMemoryInGb: 10000})", None),
    ],
)
def test_the_lowest_price_respects_its_limits(ask: Ask, limits: str, price: float | None) -> None:
    """If no machine meets them, the prices are null in a non-null object."""
    fields = "{ minimumBidPrice uninterruptablePrice stockStatus }"
    content = ask(f'{{ gpuTypes(input: {{id: "{A6000}"}}) {{ lowestPrice{limits} {fields} }} }}').json()
    lowest = content["data"]["gpuTypes"][0]["lowestPrice"]
    assert lowest["uninterruptablePrice"] == price
    assert (lowest["minimumBidPrice"] is None) == (lowest["stockStatus"] is None) == (price is None)


def test_unknown_clusters_are_null(ask: Ask) -> None:
    """A query for an unknown cluster, or without an id, has no error."""
    content = ask('{ a: cluster(input: {clusterId: "nobody"}) { id } b: cluster { id } }').json()
    assert content == {"data": {"a": None, "b": None}}


def test_terminate_answers_null(emulator: Emulator, ask: Ask) -> None:
    """Success is null without errors."""
    content = ask('mutation { clusterTerminate(input: {clusterId: "riixlu8oclhp"}) }').json()
    assert content == {"data": {"clusterTerminate": None}}
    assert "riixlu8oclhp" not in emulator.world.clusters


def test_a_stopped_spot_cluster_shows_the_bid_to_resume(emulator: Emulator, ask: Ask) -> None:
    """It is null once no bid would suffice."""
    document = '{ cluster(input: {clusterId: "d62t7qg9n5vtan"}) { lowestBidPriceToResume clusterType } }'
    content = ask(document).json()["data"]["cluster"]
    assert content["lowestBidPriceToResume"] == float(emulator.world.minimum_bid(A6000))
    assert content["clusterType"] == "INTERRUPTABLE"
    emulator.world.sell_out(A6000)
    assert ask(document).json()["data"]["cluster"]["lowestBidPriceToResume"] is None


def test_dates_have_the_services_two_forms(ask: Ask) -> None:
    """Timestamps are ISO 8601 with milliseconds and Z; the last status change is a sentence."""
    content = ask('{ cluster(input: {clusterId: "riixlu8oclhp"}) { createdAt lastStatusChange } }').json()
    cluster = content["data"]["cluster"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", cluster["createdAt"])
    assert re.fullmatch(
        r"Rented by User: \w{3} \w{3} \d\d \d{4} [\d:]{8} GMT\+0000 \(.*\)", cluster["lastStatusChange"]
    )


def test_reading_counts_and_deploying_does_not(emulator: Emulator, ask: Ask) -> None:
    """The container is up after two reads, of the list or of the cluster."""
    emulator.world.boot = Boot(reads=2)
    placed = ask(DEPLOY % ("", "id runtime { uptimeInSeconds }")).json()["data"]["clusterFindAndDeployOnDemand"]
    one = f'{{ cluster(input: {{clusterId: "{placed["id"]}"}}) {{ runtime {{ uptimeInSeconds }} }} }}'
    assert placed["runtime"] is None
    assert ask(one).json()["data"]["cluster"]["runtime"] is None
    ask("{ myself { clusters { id } } }")
    assert ask(one).json()["data"]["cluster"]["runtime"] == {"uptimeInSeconds": 0}


def test_aliases_carry_several_calls(ask: Ask) -> None:
    """One document can stop two clusters, and a refusal of one does not affect the other."""
    content = ask("""mutation {
        a: clusterStop(input: {clusterId: "riixlu8oclhp"}) { desiredStatus }
        b: clusterStop(input: {clusterId: "nobody"}) { desiredStatus }
    }""").json()
    assert content["data"] == {"a": {"desiredStatus": "EXITED"}, "b": None}
    assert [error["path"] for error in content["errors"]] == [["b"]]
