"""Whether a rental happened: the decision from token, listing and clock."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from tensorone._clusters.reconcile import LONGEST_PAUSE, SETTLE_FACTOR, Adopt, LookAgain, Unknown, decide, next_look
from tensorone._session.polling import next_tick

TOKEN = "TENSORONE_CLIENT_TOKEN"
TIMES = st.floats(0, 1e6)


@dataclass(frozen=True)
class Fetched:
    """The parts of a cluster that the decision reads."""

    id: str
    desired_status: str
    env: list[str] | None


clusters = st.builds(
    Fetched,
    id=st.text("abc", min_size=1, max_size=6),
    desired_status=st.sampled_from(["RUNNING", "EXITED", "TERMINATED", "HIBERNATED"]),
    env=st.none()
    | st.lists(st.sampled_from(["A=1", f"{TOKEN}=mine", f"{TOKEN}=other", f"{TOKEN}=mine=2", TOKEN]), max_size=2),
)


def is_mine(cluster: Fetched) -> bool:
    """Whether a cluster carries the token and exists."""
    first = next((entry for entry in cluster.env or [] if entry.partition("=")[0] == TOKEN), "")
    return first == f"{TOKEN}=mine" and cluster.desired_status != "TERMINATED"


@given(st.none() | st.lists(clusters, unique_by=lambda cluster: cluster.id), TIMES, TIMES, st.floats(0, 100))
def test_a_cluster_is_adopted_if_and_only_if_it_is_seen(listed, lost_at, elapsed, settle_time):
    """An existing cluster with the token is adopted or named as a duplicate; absence is believed only late."""
    decision = decide(listed, "mine", lost_at=lost_at, now=lost_at + elapsed, settle_time=settle_time)
    mine = [cluster for cluster in listed or [] if is_mine(cluster)]
    if isinstance(decision, Adopt):
        assert sorted([decision.cluster, *decision.duplicates], key=lambda each: each.id) == sorted(
            mine, key=lambda each: each.id
        )
        running = [cluster.id for cluster in mine if cluster.desired_status == "RUNNING"]
        assert decision.cluster.id == min(running or [cluster.id for cluster in mine])
    else:
        assert not mine
        over = lost_at + elapsed >= lost_at + settle_time * (SETTLE_FACTOR if listed is None else 1.0)
        assert isinstance(decision, Unknown) is over


@given(TIMES, st.floats(0, 100))
def test_polls_are_frequent_at_first_and_few_in_all(lost_at, settle_time):
    """Each poll is later than the one before, and their number grows slowly with the settling time."""
    now, looks = lost_at, 0
    while True:
        decision = decide([], "mine", lost_at=lost_at, now=now, settle_time=settle_time)
        if isinstance(decision, Unknown):
            break
        assert isinstance(decision, LookAgain)
        assert now < decision.at <= lost_at + settle_time + 1e-6
        now, looks = decision.at, looks + 1
    assert looks <= 6 + settle_time / LONGEST_PAUSE


@given(TIMES, TIMES)
def test_the_next_poll_is_soon_and_later_than_now(lost_at, elapsed):
    """The next poll is at most four seconds ahead."""
    now = lost_at + elapsed
    assert now < next_look(lost_at, now) <= now + LONGEST_PAUSE + 1e-6


@given(TIMES, st.floats(0.01, 1000))
def test_ticks_are_shared_by_all_with_the_same_interval(now, every):
    """The next tick is ahead of now, by at most one interval."""
    tick = next_tick(now, every)
    assert now - 1e-6 <= tick <= now + every * (1 + 1e-6) + 1e-6
