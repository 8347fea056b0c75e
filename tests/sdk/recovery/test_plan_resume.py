"""How to get a stopped cluster running again: each row of the table in docs/resume.md, and what holds for all."""

import pickle
import re
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorone import Cluster, InvalidArgument
from tensorone._market.bidding import BidPolicy, GiveUp, Wait
from tensorone._recovery.actions import (
    AlreadyRunning,
    RentElsewhere,
    ResumeOnDemand,
    ResumeSpot,
    StartWithoutGpus,
    WaitForGpus,
)
from tensorone._recovery.plan_resume import plan_resume
from tensorone._recovery.policy import Resumable, ResumePolicy, learn

TABLE = Path(__file__).parents[3] / "docs" / "resume.md"


@dataclass(frozen=True)
class Prices:
    """A quote by shape."""

    minimum_bid: float | None = 0.2
    on_demand_price: float | None = 0.5


def known(status="EXITED", **facts):
    """A cluster with two GPUs wanted and a volume of 20 GB."""
    facts = {"machine_id": "hpvdausak8xb", "gpu_count": 2, "volume_in_gb": 20, **facts}
    return Resumable(cluster_id="inzk6tzuz833h5", status=status, **facts)


BIDDING = BidPolicy(ceiling=0.35)
TIGHT = BidPolicy(ceiling=0.1, above_ceiling="give_up")
ON_DEMAND, SPOT, GONE = known(kind="on_demand"), known(kind="spot"), known(kind="spot", gpus_gone=True)
OUTBID = known(kind="spot", refused_bids=(Decimal("0.35"),))
NO_QUOTE = Prices(None, None)

ROWS = {
    "terminated": [
        (known(None), Prices(), {}, GiveUp),
        (known("TERMINATED"), Prices(), {"bidding": BIDDING}, GiveUp),
    ],
    "terminated, replace": [
        (known(None), Prices(), {"strategy": "replace_same"}, RentElsewhere),
        (known("TERMINATED"), None, {"strategy": "replace_next"}, RentElsewhere),
    ],
    "starting": [
        (known("RUNNING"), Prices(), {}, AlreadyRunning),
        (known("CREATED"), Prices(), {}, AlreadyRunning),
        (known("RESTARTING"), None, {"strategy": "replace_next"}, AlreadyRunning),
    ],
    "running": [
        (known("RUNNING", up=True, gpus=2), Prices(), {}, AlreadyRunning),
        (known("RUNNING", up=True), Prices(), {"strategy": "replace_same"}, AlreadyRunning),
    ],
    "fewer GPUs": [(known("RUNNING", up=True, gpus=1), Prices(), {"bidding": BIDDING}, AlreadyRunning)],
    "unknown status": [
        (known("PAUSED"), Prices(), {}, Wait),
        (known("DEAD"), Prices(), {"strategy": "replace_same"}, Wait),
        (known("HIBERNATING"), Prices(), {"bidding": BIDDING}, Wait),
    ],
    "on-demand": [
        (ON_DEMAND, Prices(), {}, ResumeOnDemand),
        (ON_DEMAND, None, {}, ResumeOnDemand),
        (ON_DEMAND, Prices(0.05, 0.1), {"bidding": TIGHT}, ResumeOnDemand),
    ],
    "on-demand, price unknown": [
        (ON_DEMAND, NO_QUOTE, {"bidding": BIDDING}, Wait),
        (ON_DEMAND, None, {"bidding": BIDDING, "strategy": "replace_next"}, Wait),
        (ON_DEMAND, NO_QUOTE, {"bidding": BIDDING, "strategy": "replace_next"}, Wait),
    ],
    "on-demand, too expensive": [
        (ON_DEMAND, Prices(), {"bidding": BIDDING}, GiveUp),
        (ON_DEMAND, Prices(), {"bidding": BIDDING, "strategy": "replace_next"}, GiveUp),
    ],
    "spot": [(SPOT, Prices(), {"bidding": BIDDING}, ResumeSpot)],
    "spot, cheaper elsewhere": [
        (SPOT, Prices(), {"bidding": BIDDING, "strategy": "replace_cheapest"}, RentElsewhere, Prices(0.15)),
    ],
    "spot, no policy": [
        (SPOT, Prices(), {}, GiveUp),
        (SPOT, Prices(), {"strategy": "replace_next"}, GiveUp),
    ],
    "spot, no quote": [(SPOT, None, {"bidding": BIDDING, "strategy": "replace_next"}, Wait)],
    "spot, too expensive": [
        (SPOT, Prices(), {"bidding": TIGHT}, GiveUp),
        (SPOT, Prices(), {"bidding": TIGHT, "strategy": "replace_same"}, GiveUp),
        (SPOT, Prices(0.4), {"bidding": BIDDING}, Wait),
        (OUTBID, Prices(), {"bidding": BIDDING}, Wait),
    ],
    "spot, outbid here": [(OUTBID, Prices(), {"bidding": BIDDING, "strategy": "replace_same"}, RentElsewhere)],
    "spot, next type": [(SPOT, Prices(), {"bidding": TIGHT, "strategy": "replace_next"}, RentElsewhere)],
    "unknown kind, bidding": [(known(), Prices(), {"bidding": BIDDING}, ResumeSpot)],
    "unknown kind": [(known(), Prices(), {}, ResumeOnDemand)],
    "refused as on-demand": [
        (known(refused_kinds=("on_demand",)), Prices(), {"bidding": BIDDING}, ResumeSpot),
        (known(refused_kinds=("on_demand",)), Prices(), {}, GiveUp),
        (replace(ON_DEMAND, refused_kinds=("on_demand",)), Prices(), {"bidding": BIDDING}, ResumeSpot),
    ],
    "refused as spot": [
        (known(refused_kinds=("spot",)), Prices(0.1, 0.3), {"bidding": BIDDING}, ResumeOnDemand),
        (replace(SPOT, refused_kinds=("spot",)), Prices(), {"bidding": BIDDING}, GiveUp),
    ],
    "refused as both": [
        (known(refused_kinds=("spot", "on_demand")), Prices(), {"bidding": BIDDING, "strategy": "replace_next"}, GiveUp)
    ],
    "GPUs gone, wait": [
        (GONE, Prices(), {"bidding": BIDDING, "wait_for_gpus": 60}, WaitForGpus),
        (replace(GONE, waited=59.0), None, {"wait_for_gpus": 60, "strategy": "replace_same"}, WaitForGpus),
    ],
    "GPUs gone, replace": [
        (GONE, Prices(), {"bidding": BIDDING, "strategy": "replace_same"}, RentElsewhere),
        (replace(GONE, waited=60.0), None, {"wait_for_gpus": 60, "strategy": "replace_next"}, RentElsewhere),
    ],
    "GPUs gone, save data": [
        (GONE, Prices(), {"bidding": BIDDING, "start_without_gpus": True}, StartWithoutGpus),
        (known(gpus_gone=True), None, {"start_without_gpus": True}, StartWithoutGpus),
    ],
    "GPUs gone, data too expensive": [(GONE, Prices(), {"bidding": TIGHT, "start_without_gpus": True}, GiveUp)],
    "GPUs gone, refused again": [
        (replace(GONE, refused_without_gpus=True), Prices(), {"bidding": BIDDING, "start_without_gpus": True}, GiveUp)
    ],
    "GPUs gone": [(GONE, Prices(), {"bidding": BIDDING}, GiveUp)],
}


@pytest.mark.parametrize(("row", "case"), [(row, case) for row, cases in ROWS.items() for case in cases])
def test_each_row_of_the_table_holds(row, case):
    """The plan is the one that the page names."""
    cluster, quote, policy, expected, *cheapest = case
    plan = plan_resume(cluster, quote, ResumePolicy(**policy), *cheapest)
    assert type(plan) is expected, row
    assert plan.reason.endswith(".")


def test_the_table_and_the_tests_have_the_same_rows():
    """Every row of the page has a test, in the page's order."""
    lines = [line for line in TABLE.read_text().splitlines() if line.startswith("|")]
    rows = [re.split(r"\s*\|\s*", line)[1] for line in lines[2:]]
    assert rows == list(ROWS)


def test_a_resume_says_how_much_and_for_what():
    """The plan has the bid, the GPU count and the time left to wait."""
    assert plan_resume(ON_DEMAND, None, ResumePolicy()).gpu_count == 2
    spot = plan_resume(SPOT, Prices(), ResumePolicy(bidding=BIDDING))
    assert (spot.bid_per_gpu, spot.gpu_count) == (Decimal("0.21"), 2)
    assert plan_resume(replace(GONE, waited=20.0), None, ResumePolicy(wait_for_gpus=60)).seconds == 40
    without = {"start_without_gpus": True}
    assert plan_resume(GONE, Prices(), ResumePolicy(bidding=BIDDING, **without)).bid_per_gpu == Decimal("0.21")
    assert plan_resume(known(gpus_gone=True), None, ResumePolicy(**without)).bid_per_gpu is None


def test_a_cluster_with_fewer_gpus_is_said_to_be_short():
    """The cluster runs and is billed, and the plan counts the missing GPUs."""
    plan = plan_resume(known("RUNNING", up=True, gpus=1), None, ResumePolicy())
    assert (plan.up, plan.missing_gpus) == (True, 1)
    assert "1 of the 2 GPUs" in plan.reason


@pytest.mark.parametrize(
    ("facts", "stays", "cost", "words"),
    [
        ({}, True, Decimal("4.00"), "on machine hpvdausak8xb and stays billed, about 4.00 USD a month"),
        ({"volume_in_gb": None}, True, None, "at an unknown price"),
        ({"volume_in_gb": None, "machine_id": None}, True, None, "stays on its machine"),
        ({"volume_in_gb": 0}, False, Decimal("0.00"), "no volume"),
    ],
)
def test_what_becomes_of_the_old_volume_is_said(facts, stays, cost, words):
    """The plan names the volume left behind, where it is, and what it costs."""
    plan = plan_resume(replace(GONE, **facts), Prices(), ResumePolicy(strategy="replace_same"))
    assert (plan.gpu_type, plan.old_cluster_id) == ("same", "inzk6tzuz833h5")
    assert (plan.volume_stays, plan.volume_cost_per_month) == (stays, cost)
    assert words in plan.reason


@pytest.mark.parametrize(
    ("volume", "cheapest", "leaves"),
    [
        (0, Prices(0.19), True),
        (20, Prices(0.19), True),
        (200, Prices(0.19), False),
        (None, Prices(0.1), False),
        (0, Prices(0.2), False),
        (0, Prices(0.5), False),
        (0, NO_QUOTE, False),
        (0, None, False),
    ],
)
def test_a_lower_price_elsewhere_must_pay_for_the_volume_left_behind(volume, cheapest, leaves):
    """The saving for all GPUs must exceed the volume's hourly cost; a volume of unknown size is never left."""
    policy = ResumePolicy(bidding=BIDDING, strategy="replace_cheapest")
    plan = plan_resume(replace(SPOT, volume_in_gb=volume), Prices(), policy, cheapest)
    assert isinstance(plan, RentElsewhere if leaves else ResumeSpot)
    if isinstance(plan, RentElsewhere):
        assert plan.gpu_type == "cheapest"
        assert "0.210 USD per GPU-hour here" in plan.reason
    next_type = plan_resume(SPOT, Prices(), replace(policy, strategy="replace_next"), cheapest)
    assert isinstance(next_type, ResumeSpot)


def test_the_volume_of_a_terminated_cluster_is_not_billed():
    """The volume was deleted, and the plan says so."""
    plan = plan_resume(known(None), None, ResumePolicy(strategy="replace_next"))
    assert (plan.gpu_type, plan.volume_stays) == ("any", False)
    assert "deleted" in plan.reason


@pytest.mark.parametrize(
    ("attempt", "refusal", "learned"),
    [
        (ResumeOnDemand(2, ""), "wrong_kind", {"refused_kinds": ("on_demand",)}),
        (ResumeSpot(Decimal("0.2"), 2, ""), "wrong_kind", {"refused_kinds": ("spot",)}),
        (StartWithoutGpus(None, ""), "wrong_kind", {"refused_kinds": ("on_demand",)}),
        (StartWithoutGpus(Decimal("0.2"), ""), "wrong_kind", {"refused_kinds": ("spot",)}),
        (StartWithoutGpus(None, ""), "gpus_gone", {"refused_without_gpus": True}),
        (ResumeSpot(Decimal("0.2"), 2, ""), "bid_too_low", {"refused_bids": (Decimal("0.2"),)}),
        (ResumeSpot(Decimal("0.2"), 2, ""), "gpus_gone", {"gpus_gone": True}),
        (ResumeOnDemand(2, ""), "gpus_gone", {"gpus_gone": True}),
        (ResumeOnDemand(2, ""), "not_found", {"status": None}),
    ],
)
def test_a_refusal_teaches_one_thing(attempt, refusal, learned):
    """The refusal is remembered for the next decision, and nothing else changes."""
    assert learn(known(), attempt, refusal) == replace(known(), **learned)


@pytest.mark.parametrize("gpus", [None, [{}, {}]])
def test_a_cluster_as_read_becomes_what_is_known(gpus):
    """Status, machine, container and GPUs come from the generated model; other facts are kept."""
    runtime = {"uptimeInSeconds": 5, "ports": None, "gpus": gpus and [GPU, GPU], "container": None}
    read = Cluster.model_validate({**STOPPED, "desiredStatus": "RUNNING", "runtime": runtime})
    seen = known(machine_id=None).seen(read)
    assert (seen.status, seen.up, seen.machine_id, seen.gpus) == ("RUNNING", True, "m1", gpus and 2)
    assert type(seen.status) is str


def test_a_stopped_cluster_and_one_that_is_gone_become_what_is_known():
    """Without a runtime there is no container; without a cluster there is no status."""
    stopped = known(up=True, gpus=2).seen(Cluster.model_validate(STOPPED))
    assert (stopped.status, stopped.up, stopped.gpus) == ("EXITED", False, None)
    assert stopped.seen(None).status is None


GPU = {"id": "GPU-1", "gpuUtilPercent": 1, "memoryUtilPercent": 1}
STOPPED = {
    "id": "inzk6tzuz833h5",
    "name": "a",
    "desiredStatus": "EXITED",
    "imageName": "tensorone/pytorch",
    "env": [],
    "machineId": "m1",
    "machine": None,
    "runtime": None,
}

KINDS = st.sampled_from(["on_demand", "spot"])
STATUSES = st.sampled_from(["CREATED", "RUNNING", "RESTARTING", "EXITED", "PAUSED", "DEAD", "TERMINATED", "NEW", None])
BIDS = st.decimals("0.001", 2, places=3)
CLUSTERS = st.builds(
    Resumable,
    cluster_id=st.just("inzk6tzuz833h5"),
    status=STATUSES | st.just("EXITED"),
    up=st.booleans(),
    machine_id=st.none() | st.just("m1"),
    gpus=st.none() | st.integers(0, 8),
    gpu_count=st.integers(0, 8),
    kind=st.none() | KINDS,
    volume_in_gb=st.none() | st.integers(0, 1000),
    refused_kinds=st.lists(KINDS, max_size=3).map(tuple),
    refused_bids=st.lists(BIDS, max_size=3).map(tuple),
    gpus_gone=st.booleans(),
    waited=st.floats(0, 100),
    refused_without_gpus=st.booleans(),
)
PRICES = st.none() | BIDS | st.floats()
QUOTES = st.none() | st.builds(Prices, PRICES, PRICES)
POLICIES = st.builds(
    ResumePolicy,
    bidding=st.none()
    | st.builds(BidPolicy, ceiling=BIDS, above_ceiling=st.sampled_from(["wait", "give_up"]), step=st.just("50%")),
    strategy=st.sampled_from(["in_place", "replace_same", "replace_next", "replace_cheapest"]),
    wait_for_gpus=st.floats(0, 100),
    start_without_gpus=st.booleans(),
)


@given(CLUSTERS, QUOTES, POLICIES, QUOTES)
def test_every_input_has_a_plan_within_what_is_allowed(cluster, quote, policy, cheapest):
    """No plan exceeds the ceiling, and leaving, waiting and starting without GPUs need the policy's permission."""
    plan = plan_resume(cluster, quote, policy, cheapest)
    assert plan.reason
    assert pickle.loads(pickle.dumps(plan)) == plan
    if isinstance(plan, ResumeSpot | StartWithoutGpus) and plan.bid_per_gpu is not None:
        assert plan.bid_per_gpu <= policy.bidding.ceiling
    if isinstance(plan, ResumeOnDemand) and policy.bidding is not None:
        assert Decimal(str(quote.on_demand_price)) <= policy.bidding.ceiling
    assert not isinstance(plan, RentElsewhere) or policy.strategy != "in_place"
    assert not isinstance(plan, WaitForGpus) or 0 < plan.seconds <= policy.wait_for_gpus
    assert not isinstance(plan, StartWithoutGpus) or policy.start_without_gpus


@given(CLUSTERS, QUOTES, POLICIES, QUOTES)
def test_a_volume_is_never_left_behind_in_silence(cluster, quote, policy, cheapest):
    """A plan to rent elsewhere names the volume that stays."""
    plan = plan_resume(cluster, quote, policy, cheapest)
    if isinstance(plan, RentElsewhere) and cluster.status == "EXITED":
        assert plan.volume_stays == (cluster.volume_in_gb != 0)
        assert cluster.cluster_id in plan.reason
        assert "billed" in plan.reason or cluster.volume_in_gb == 0


@given(CLUSTERS, QUOTES, POLICIES, QUOTES)
def test_only_a_stopped_cluster_is_started(cluster, quote, policy, cheapest):
    """A cluster that runs, starts, is gone or has an unknown status gets no request that bills."""
    plan = plan_resume(cluster, quote, policy, cheapest)
    if cluster.status != "EXITED":
        assert not isinstance(plan, ResumeOnDemand | ResumeSpot | StartWithoutGpus)


@given(CLUSTERS, QUOTES, POLICIES, QUOTES, st.data())
def test_a_run_of_refusals_comes_to_an_end(cluster, quote, policy, cheapest, data):
    """Whatever the server refuses and why, at some point nothing more is sent."""
    for _ in range(60):
        plan = plan_resume(cluster, quote, policy, cheapest)
        if not isinstance(plan, ResumeOnDemand | ResumeSpot | StartWithoutGpus):
            return
        refusals = ["gpus_gone", "wrong_kind", "not_found"]
        if isinstance(plan, ResumeSpot):
            refusals += ["bid_too_low"] * 6
        cluster = learn(cluster, plan, data.draw(st.sampled_from(refusals)))
    raise AssertionError(plan)


@pytest.mark.parametrize(
    ("field", "value"),
    [("strategy", "move"), ("start_without_gpus", "x"), ("wait_for_gpus", -1), ("wait_for_gpus", "long")],
)
def test_a_wrong_policy_is_refused(field, value):
    """A wrong policy is refused by field name."""
    with pytest.raises(InvalidArgument) as caught:
        ResumePolicy(**{field: value})
    assert caught.value.field == field


def test_a_wrong_gpu_count_is_refused():
    """A negative GPU count is refused."""
    with pytest.raises(InvalidArgument, match="gpu_count"):
        known(gpu_count=-1)
