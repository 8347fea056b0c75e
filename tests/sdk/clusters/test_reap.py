"""Deadlines stored in the clusters, and clean-up by a process that has no other knowledge of them."""

from datetime import UTC, datetime, timedelta

import pytest

from tensorone import ClusterSpec, ClusterStatus, InvalidArgument, RetryPolicy, TensorOne
from tensorone._clusters.reap import expired
from tensorone._session.token_and_expiry import expiry
from tensorone.emulator import Fault

SPEC = ClusterSpec(image_name="i", gpu_type_id="NVIDIA A40")


@pytest.fixture
async def rented(client):
    """Two clusters past their deadline and one before it, next to clusters without one."""
    due = [
        (await client.clusters.deploy(SPEC, expires_in=1e-6)).id,
        (await client.spot.rent(SPEC, bid_per_gpu=0.39, expires_in=1e-6)).id,
    ]
    return due, (await client.clusters.deploy(SPEC, expires_in=3600)).id


async def test_a_dry_run_reports_and_does_nothing(client, emulator, rented):
    """A dry run names the clusters past their deadline and leaves all of them running."""
    due, _ = rented
    found = await client.clusters.reap(action="terminate", dry_run=True)
    assert sorted(item.cluster.id for item in found) == sorted(due)
    assert not any(item.done for item in found)
    assert all(item.expired_at <= datetime.now(UTC) for item in found)
    assert emulator.world.requests["clusterTerminate"] == 0


async def test_a_process_that_knows_nothing_ends_what_is_due(emulator, rented):
    """Another client stops them and then terminates them; stopped clusters are not stopped again."""
    due, later = rented
    async with TensorOne(emulator.api_key, url=emulator.url) as cron:
        assert all(item.done for item in await cron.clusters.reap(action="stop", dry_run=False))
        assert await cron.clusters.reap(action="stop", dry_run=False) == []
        assert len(await cron.clusters.reap(action="terminate", dry_run=False)) == 2
    assert not set(due) & set(emulator.world.clusters)
    assert later in emulator.world.clusters
    assert "riixlu8oclhp" in emulator.world.clusters


async def test_a_failure_is_reported_and_affects_no_other(emulator, rented):
    """A cluster that cannot be ended has its error in its entry; one that is gone already counts as done."""
    emulator.faults.add(Fault("server_error", operation="clusterTerminate", commit=False))
    async with TensorOne(emulator.api_key, url=emulator.url, retry=RetryPolicy(attempts=1)) as cron:
        found = await cron.clusters.reap(action="terminate", dry_run=False)
    assert sorted(item.done for item in found) == [False, True]
    assert [item.error is None for item in found].count(False) == 1


async def test_what_is_gone_meanwhile_is_done(client, emulator, rented):
    """A cluster that another process ended first counts as done."""
    emulator.faults.add(Fault("close", operation="clusterTerminate", commit=True, times=2))
    found = await client.clusters.reap(action="terminate", dry_run=False)
    assert [item.done for item in found] == [True, True]


async def test_an_unknown_action_is_refused(client):
    """An unknown action is refused."""
    with pytest.raises(InvalidArgument) as caught:
        await client.clusters.reap(action="delete", dry_run=True)
    assert caught.value.field == "action"


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), "1"])
async def test_an_invalid_deadline_is_refused(client, emulator, seconds):
    """An invalid deadline is refused before anything is sent."""
    with pytest.raises(InvalidArgument) as caught:
        await client.clusters.deploy(SPEC, expires_in=seconds)
    assert caught.value.field == "expires_in"
    assert emulator.world.requests.total() == 0


def test_only_readable_deadlines_count():
    """An unreadable deadline is ignored; a time without a zone is UTC."""
    assert expiry(None) is None
    assert expiry(["TENSORONE_EXPIRES_AT=soon"]) is None
    assert expiry(["A=1", "TENSORONE_EXPIRES_AT=2026-01-02T03:04:05"]) == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


async def test_a_terminated_cluster_is_never_due(client, rented):
    """A terminated cluster is never due, even if a listing still shows it."""
    clusters = await client.clusters.list()
    gone = [cluster.model_copy(update={"desired_status": ClusterStatus.TERMINATED}) for cluster in clusters]
    assert expired(gone, datetime.now(UTC) + timedelta(days=1), "terminate") == []
