"""`client.templates` and `client.endpoints`: apart from everything else, and checked before anything is sent."""

import pytest
from wires import graphql, schema_without, scripted

from tensorone import (
    AuthenticationError,
    EndpointSpec,
    InvalidArgument,
    OperationUnsupported,
    OutcomeUnknown,
    QueryError,
    TemplateSpec,
    TensorOne,
)
from tensorone.emulator import Emulator, Fault

TEMPLATE = TemplateSpec(
    name="trainer",
    image_name="tensorone/pytorch",
    container_disk_in_gb=20,
    ports=["22/tcp"],
    env={"TOKEN": "correct-horse"},
    volume_mount_path="/workspace",
    readme="# Trainer",
)


def endpoint(template_id, **more):
    """An endpoint on a template."""
    return EndpointSpec(**{"name": "e", "gpu_ids": ["AMPERE_16"], "template_id": template_id, "workers_max": 3, **more})


async def test_a_template_is_saved_changed_and_deleted(client, emulator):
    """A template is changed by its id and deleted by its name."""
    made = await client.templates.save(TEMPLATE)
    assert (made.name, made.ports, made.container_disk_in_gb, made.is_serverless) == ("trainer", "22/tcp", 20, False)
    assert emulator.world.saved.templates[made.id]["env"] == [{"key": "TOKEN", "value": "correct-horse"}]
    with pytest.raises(QueryError, match="must be unique"):
        await client.templates.save(TEMPLATE)
    changed = await client.templates.save(
        TemplateSpec(name="other", image_name="i", container_disk_in_gb=5, container_registry_auth_id="r"),
        template_id=made.id,
    )
    assert (changed.id, changed.name, changed.readme) == (made.id, "other", None)
    await client.templates.delete("other")
    assert emulator.world.saved.templates == {}
    for call in (client.templates.delete("other"), client.templates.save(TEMPLATE, template_id="unknown")):
        with pytest.raises(QueryError, match="not found"):
            await call


async def test_an_endpoint_is_saved_listed_and_deleted(client, emulator):
    """An endpoint can be deleted once it can have no workers, and its template only after it."""
    template = await client.templates.save(TEMPLATE)
    made = await client.endpoints.save(
        endpoint(template.id, locations=["US", "CA"], idle_timeout=10, scaler_type="QUEUE_DELAY", scaler_value=4)
    )
    assert (made.gpu_ids, made.locations, made.workers_max, made.idle_timeout) == ("AMPERE_16", "US,CA", 3, 10)
    assert [each.id for each in await client.endpoints.list()] == [made.id]
    with pytest.raises(QueryError, match="in use"):
        await client.templates.delete("trainer")
    with pytest.raises(QueryError, match="workersMax"):
        await client.endpoints.delete(made.id)
    await client.endpoints.save(endpoint(template.id, workers_max=0), endpoint_id=made.id)
    await client.endpoints.delete(made.id)
    await client.templates.delete("trainer")
    assert await client.endpoints.list() == []
    for spec, endpoint_id in ((endpoint("unknown"), None), (endpoint(template.id), "unknown")):
        with pytest.raises(QueryError, match="not found"):
            await client.endpoints.save(spec, endpoint_id=endpoint_id)
    with pytest.raises(QueryError, match="not found"):
        await client.endpoints.delete("unknown")
    again = await client.templates.save(TEMPLATE)
    with pytest.raises(QueryError, match="not found"):
        await client.endpoints.save(endpoint(again.id), endpoint_id="unknown")


async def test_serverless_templates_have_no_volume(client):
    """A volume is refused both here and by the service."""
    with pytest.raises(InvalidArgument, match="volume_in_gb"):
        TemplateSpec(name="s", image_name="i", container_disk_in_gb=5, volume_in_gb=1, is_serverless=True)
    loose = TemplateSpec(name="s", image_name="i", container_disk_in_gb=5, volume_in_gb=1)
    object.__setattr__(loose, "is_serverless", True)
    with pytest.raises(QueryError, match="0 GB"):
        await client.templates.save(loose)


async def test_a_server_without_them_breaks_nothing_else():
    """Each call is refused separately, and its error names what is missing."""
    missing = ("Mutation.saveTemplate", "Mutation.deleteTemplate", "Mutation.saveEndpoint", "User.endpoints")
    with Emulator(schema=schema_without(*missing)) as emulator:
        async with TensorOne(emulator.api_key, url=emulator.url) as client:
            for call, name in (
                (client.templates.save(TEMPLATE), "saveTemplate"),
                (client.templates.delete("x"), "deleteTemplate"),
                (client.endpoints.save(endpoint("x")), "saveEndpoint"),
                (client.endpoints.list(), "endpoints"),
            ):
                with pytest.raises(OperationUnsupported) as caught:
                    await call
                assert caught.value.unsupported == name
            assert await client.clusters.list()


async def test_nothing_is_sent_twice(client, emulator):
    """A lost answer is reported as unknown."""
    emulator.faults.add(Fault("internal_error", operation="saveTemplate"))
    with pytest.raises(OutcomeUnknown):
        await client.templates.save(TEMPLATE)
    assert emulator.world.requests["saveTemplate"] == 1


async def test_null_is_an_error(open_client):
    """Null raises an error, since it says nothing about what happened."""
    null = graphql({"saveTemplate": None, "saveEndpoint": None, "myself": None})
    async with scripted(null) as server, open_client(server.url) as client:
        with pytest.raises(QueryError, match="answered null"):
            await client.templates.save(TEMPLATE)
        with pytest.raises(QueryError, match="answered null") as caught:
            await client.endpoints.save(endpoint("x"))
        assert caught.value.billing
        with pytest.raises(AuthenticationError, match=r"^endpoints\.list: "):
            await client.endpoints.list()


def test_values_stay_out_of_sight():
    """Values are hidden as in a cluster's spec."""
    assert "correct-horse" not in repr(TEMPLATE)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"name": ""}, "name"),
        ({"image_name": " "}, "image_name"),
        ({"container_disk_in_gb": 0}, "container_disk_in_gb"),
        ({"volume_in_gb": -1}, "volume_in_gb"),
        ({"volume_mount_path": "workspace"}, "volume_mount_path"),
        ({"ports": "22/tcp"}, "ports"),
        ({"env": {"A B": "c"}}, "env"),
        ({"docker_args": 3}, "docker_args"),
    ],
)
def test_bad_templates_are_named(change, named):
    """A bad template is refused by field name when it is created."""
    with pytest.raises(InvalidArgument) as caught:
        TemplateSpec(**{"name": "n", "image_name": "i", "container_disk_in_gb": 5, **change})
    assert caught.value.field.startswith(named)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"name": ""}, "name"),
        ({"template_id": ""}, "template_id"),
        ({"gpu_ids": "AMPERE_16"}, "gpu_ids"),
        ({"gpu_ids": []}, "gpu_ids"),
        ({"gpu_ids": 5}, "gpu_ids"),
        ({"locations": "US"}, "locations"),
        ({"workers_max": -1}, "workers_max"),
        ({"workers_min": 4}, "workers_min"),
        ({"idle_timeout": 0}, "idle_timeout"),
        ({"scaler_type": "MOOD"}, "scaler_type"),
        ({"scaler_value": 0}, "scaler_value"),
    ],
)
def test_bad_endpoints_are_named(change, named):
    """A bad endpoint is refused by field name when it is created."""
    with pytest.raises(InvalidArgument) as caught:
        endpoint(**{"template_id": "t", **change})
    assert caught.value.field.startswith(named)


async def test_bad_calls_are_named(client, emulator):
    """A bad call is refused by argument name before anything is sent."""
    calls = (
        (client.templates.save("trainer"), "spec"),
        (client.templates.save(TEMPLATE, template_id=""), "template_id"),
        (client.templates.delete(""), "name"),
        (client.endpoints.save("e"), "spec"),
        (client.endpoints.save(endpoint("t"), endpoint_id=""), "endpoint_id"),
        (client.endpoints.delete(""), "endpoint_id"),
    )
    for call, named in calls:
        with pytest.raises(InvalidArgument) as caught:
            await call
        assert caught.value.field == named
    assert emulator.world.requests.total() == 0
