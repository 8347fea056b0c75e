"""docs/howto/kopf.md, against an emulated Kubernetes API: applied, preempted, killed, deleted."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import anyio
import anyio.from_thread
import kmock
import pytest
import yaml

from tensorone.emulator import Fault
from tensorone.fleet import FleetState

VERBS = {"list", "watch", "get", "patch", "create", "delete"}
RESOURCES = {
    "tensorone.example/v1/gpufleets": "GpuFleet",
    "v1/namespaces": "Namespace",
    "v1/events": "Event",
    "apiextensions.k8s.io/v1/customresourcedefinitions": "CustomResourceDefinition",
}
PATH = "/apis/tensorone.example/v1/namespaces/default/gpufleets"
UID = "0b7f3c5e-1f0e-4c1b-9f57-6a2a3a0c1d2e"
RENT = "clusterRentInterruptable"


class Kubernetes:
    """An API server that holds resources in memory, and kubectl."""

    def __init__(self, url: str, handler: kmock.KubernetesEmulator) -> None:
        self.url = url
        self.handler = handler

    def call(self, method: str, path: str, body: object = None) -> dict:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def apply(self, recipe) -> None:
        """Creates what the page's last YAML describes, with what a real server adds."""
        body = yaml.safe_load([each.text for each in recipe.fences if each.language == "yaml"][-1])
        body["metadata"] |= {"uid": UID, "resourceVersion": "1", "creationTimestamp": datetime.now(UTC).isoformat()}
        self.call("POST", PATH, body)

    @property
    def fleet(self) -> dict | None:
        """The resource, None once it is gone."""
        try:
            return self.call("GET", f"{PATH}/night")
        except urllib.error.HTTPError:
            return None

    @property
    def claimed(self) -> tuple[str, ...]:
        """The clusters that the status remembers."""
        return FleetState.from_json(self.fleet["status"]["state"]).cluster_ids

    def has(self, *secrets: str) -> list[str]:
        """What was ever written here and holds a secret."""
        written = [json.dumps(each.data) for each in self.handler if each.method != "GET"]
        assert any('"state"' in each for each in written)
        return [each for each in written if any(secret in each for secret in secrets)]

    @property
    def running(self) -> int:
        """What the status says."""
        return (self.fleet or {}).get("status", {}).get("running", 0)


@pytest.fixture
def kubernetes(tmp_path, monkeypatch):
    """The server, in a thread of its own, and a kubeconfig that leads there."""
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(kmock.KubernetesEmulator()) as handler,
    ):
        for name, kind in RESOURCES.items():
            handler.resources[name] = kmock.ResourceInfo(
                kind=kind, singular=kind.lower(), namespaced=kind in ("GpuFleet", "Event"), verbs=VERBS
            )
        with portal.wrap_async_context_manager(kmock.Server(handler)) as server:
            url = str(server.url).rstrip("/")
            config = {
                "current-context": "c",
                "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
                "clusters": [{"name": "k", "cluster": {"server": url}}],
                "users": [{"name": "u", "user": {"token": "t"}}],
            }
            (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
            monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
            yield Kubernetes(url, handler)


@pytest.fixture
def operator(recipe):
    """Starts the operator as the page does; ends what was started."""
    started = []
    recipe.save()

    def start():
        kopf = Path(sys.executable).with_name("kopf")
        started.append(recipe.start(kopf, "run", "--standalone", "--all-namespaces", "fleet_operator.py"))
        return started[-1]

    yield start
    for each in started:
        each.kill()
        each.wait()


def test_the_page(recipe, kubernetes, operator):
    """What is applied runs, what is preempted comes back, and what is deleted is ended before it is gone."""
    assert "$ kopf run --standalone --all-namespaces fleet_operator.py\n" in recipe.page
    operator()
    kubernetes.apply(recipe)
    recipe.wait_for(lambda: kubernetes.running == 3)
    assert {each.env["HF_TOKEN"] for each in recipe.world.clusters.values()} == {recipe.secret}
    recipe.world.preempt(recipe.running[0])
    recipe.wait_for(lambda: kubernetes.running == 2)
    recipe.wait_for(lambda: kubernetes.running == 3 == len(recipe.running))
    kubernetes.call("DELETE", f"{PATH}/night")
    recipe.wait_for(lambda: kubernetes.fleet is None)
    assert list(recipe.world.clusters) == []
    assert kubernetes.has(recipe.secret, recipe.key) == []


def test_the_definition_is_of_what_the_operator_reads(recipe):
    """Names and fields of the two files and the program agree; no real API server has read them."""
    definition, fleet = (yaml.safe_load(each.text) for each in recipe.fences if each.language == "yaml")
    names, version = definition["spec"]["names"], definition["spec"]["versions"][0]
    assert f"{definition['spec']['group']}/{version['name']}/{names['plural']}" in RESOURCES
    assert definition["metadata"]["name"] == f"{names['plural']}.{definition['spec']['group']}"
    assert fleet["kind"] == names["kind"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert {*fleet["spec"]} == {*spec["properties"]} == {*spec["required"]}


def test_a_killed_operator_adopts_what_it_sent(recipe, kubernetes, operator):
    """Its rentals are committed while none runs; the next operator finds them, and deletes them when it is asked to."""
    recipe.emulator.faults.add(Fault("commit_late", RENT, seconds=4, times=3))
    killed = operator()
    kubernetes.apply(recipe)
    recipe.wait_for(lambda: recipe.world.requests[RENT] == 3)
    killed.kill()
    killed.wait()
    operator()
    recipe.wait_for(lambda: kubernetes.running == 3)
    assert recipe.world.requests[RENT] == 3
    assert sorted(kubernetes.claimed) == sorted(recipe.running)
    kubernetes.call("DELETE", f"{PATH}/night")
    recipe.wait_for(lambda: kubernetes.fleet is None)
    assert list(recipe.world.clusters) == []
    assert kubernetes.has(recipe.secret, recipe.key) == []
