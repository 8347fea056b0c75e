"""Templates and serverless endpoints."""

from __future__ import annotations

from typing import Any

import pytest

from tensorone.emulator import Refusal, World


def template(**changes: Any) -> dict[str, Any]:
    """The input of a template."""
    return {"name": "t", "imageName": "image", "volumeInGb": 0, **changes}


def test_a_template_is_created_and_replaced(world: World) -> None:
    """An id replaces the whole template, and its name remains free for itself."""
    created = world.saved.save_template(template(readme="text"))
    assert created["isServerless"] is False
    changed = world.saved.save_template(template(id=created["id"], imageName="other"))
    assert world.saved.templates == {created["id"]: changed}
    assert (changed["imageName"], "readme" in changed) == ("other", False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "taken"}, "name must be unique"),
        ({"id": "unknown"}, "Template not found"),
        ({"isServerless": True, "volumeInGb": 1}, "volume of 0 GB"),
    ],
)
def test_an_invalid_template_is_refused(world: World, changes: dict[str, Any], message: str) -> None:
    """The refusal names the reason, and nothing is saved."""
    world.saved.save_template(template(name="taken"))
    with pytest.raises(Refusal, match=message):
        world.saved.save_template(template(**changes))
    assert len(world.saved.templates) == 1


def test_a_template_is_deleted_once_no_endpoint_uses_it(world: World) -> None:
    """It is deleted by its name; an unknown name is refused."""
    saved = world.saved.save_template(template())
    endpoint = world.saved.save_endpoint({"name": "e", "templateId": saved["id"], "workersMax": 0})
    with pytest.raises(Refusal, match="in use"):
        world.saved.delete_template("t")
    world.saved.delete_endpoint(endpoint["id"])
    world.saved.delete_template("t")
    assert (world.saved.templates, world.saved.endpoints) == ({}, {})
    with pytest.raises(Refusal, match="Template not found"):
        world.saved.delete_template("t")


def test_an_endpoint_is_created_and_replaced(world: World) -> None:
    """Settings left out have their defaults; an endpoint with workers cannot be deleted."""
    fields = {"name": "e", "templateId": world.saved.save_template(template())["id"]}
    created = world.saved.save_endpoint(fields)
    assert (created["idleTimeout"], created["workersMax"]) == (5, 3)
    with pytest.raises(Refusal, match="before deleting"):
        world.saved.delete_endpoint(created["id"])
    assert world.saved.save_endpoint({**fields, "id": created["id"], "workersMax": 1})["workersMax"] == 1
    assert list(world.saved.endpoints) == [created["id"]]


def test_an_invalid_endpoint_is_refused(world: World) -> None:
    """Its template must exist, and so must an endpoint to change or delete."""
    fields = {"name": "e", "templateId": world.saved.save_template(template())["id"]}
    with pytest.raises(Refusal, match="Template not found"):
        world.saved.save_endpoint({**fields, "templateId": "unknown"})
    with pytest.raises(Refusal, match="Endpoint not found"):
        world.saved.save_endpoint({**fields, "id": "unknown"})
    with pytest.raises(Refusal, match="Endpoint not found"):
        world.saved.delete_endpoint("unknown")
