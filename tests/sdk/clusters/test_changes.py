"""What changed between two listings: the pure step behind `clusters.watch`."""

from hypothesis import given
from hypothesis import strategies as st

from tensorone import Appeared, Cluster, Gone, PortsChanged, RuntimeDown, RuntimeUp, StatusChanged
from tensorone._clusters.changes import diff


def port(private: int, public: int = 40_000) -> dict:
    """A port mapping as the server returns it."""
    return {"ip": "192.0.2.1", "isIpPublic": True, "privatePort": private, "publicPort": public, "type": "tcp"}


def cluster(cluster_id="a", status="RUNNING", *, uptime=None, ports=None, up=False) -> Cluster:
    """A cluster; it has a runtime when it is up, or when a part of the runtime is given."""
    up = up or uptime is not None or ports is not None
    runtime = {"uptimeInSeconds": uptime, "ports": ports, "gpus": None, "container": None} if up else None
    nulls = dict.fromkeys(("imageName", "env", "machineId", "machine", "name"))
    return Cluster.model_validate({"id": cluster_id, "desiredStatus": status, "runtime": runtime, **nulls})


def told(*listings, named=None) -> list[list]:
    """The changes that each of these listings brings."""
    known, changes = {}, []
    for listing in listings:
        known, news = diff(known, {each.id: each for each in listing}, named)
        changes.append(news)
    return changes


def test_what_the_first_listing_shows_appears():
    """Clusters of the first listing are reported in its order, and not again while nothing changes."""
    a, b = cluster("a", up=True), cluster("b", "EXITED")
    assert told([b, a], [a, b]) == [[Appeared("b", b), Appeared("a", a)], []]


def test_status_runtime_and_ports_are_reported_separately():
    """Status, runtime and ports are reported separately; a change of one is not reported for the others."""
    stopped, booting, up = cluster(status="EXITED"), cluster(), cluster(uptime=1, ports=[])
    (_, started, ready, open_, moved, over) = told(
        [stopped],
        [booting],
        [up],
        [opened := cluster(uptime=9, ports=[port(22), port(80)])],
        [remapped := cluster(uptime=15, ports=[port(80), port(22, 50_000)])],
        [stopped],
    )
    assert started == [StatusChanged("a", booting, "EXITED", "RUNNING")]
    assert ready == [RuntimeUp("a", up)]
    assert open_ == [PortsChanged("a", opened, tuple(opened.runtime.ports), ())]
    assert moved == [PortsChanged("a", remapped, (remapped.runtime.ports[1],), (opened.runtime.ports[0],))]
    assert over == [
        StatusChanged("a", stopped, "RUNNING", "EXITED"),
        RuntimeDown("a", stopped),
        PortsChanged("a", stopped, (), tuple(remapped.runtime.ports)),
    ]


def test_a_container_that_restarted_between_two_polls_is_known_by_its_uptime():
    """Uptime that decreases means a new container; an unknown uptime means nothing."""
    young = cluster(uptime=3)
    assert told([cluster(uptime=100)], [young])[1] == [RuntimeUp("a", young, restarted=True)]
    assert told([cluster(uptime=100)], [cluster(up=True)], [young])[1:] == [[], []]


def test_missing_once_is_not_gone():
    """A cluster is gone after two listings without it; changes in the meantime are reported when it is back."""
    running, stopped = cluster(), cluster(status="EXITED")
    assert told([running], [], [running], [], [stopped])[1:] == [
        [],
        [],
        [],
        [StatusChanged("a", stopped, "RUNNING", "EXITED")],
    ]
    assert told([running], [], [], [], [running])[1:] == [[], [Gone("a", running)], [], [Appeared("a", running)]]


def test_terminated_is_gone_at_once_and_once():
    """A terminated cluster is gone at once, even while it is listed; one never seen alive is not reported."""
    running, ended = cluster(), cluster(status="TERMINATED")
    assert told([running], [ended], [ended], []) == [[Appeared("a", running)], [Gone("a", ended)], [], []]
    assert told([ended], [], []) == [[], [], []]


def test_only_named_clusters_are_reported():
    """Only named clusters are reported; one that is never listed is gone after two listings, and may appear later."""
    a, b = cluster("a"), cluster("b")
    assert told([a, b], [b], [b], [a, b], named=["a"]) == [[Appeared("a", a)], [], [Gone("a", a)], [Appeared("a", a)]]
    assert told([b], [b], [b], [a, b], named=["a"]) == [[], [Gone("a", None)], [], [Appeared("a", a)]]
    ended = cluster(status="TERMINATED")
    assert told([ended], [ended], [], named=["a"]) == [[Gone("a", ended)], [], []]


STATES = st.one_of(
    st.none(),
    st.builds(
        lambda status, up, ports: cluster(status=status, up=up, ports=[port(each) for each in ports] if up else None),
        st.sampled_from(["RUNNING", "EXITED", "TERMINATED", "NEW_STATUS"]),
        st.booleans(),
        st.sets(st.integers(1, 3)),
    ),
)


@given(st.lists(STATES, max_size=12), st.sampled_from([None, ["a"]]))
def test_who_reads_the_events_knows_the_cluster(states, named):
    """The events, applied in order, give the cluster's presence, status, runtime and ports."""
    known, view = {}, None
    for state in states:
        known, changes = diff(known, {} if state is None else {"a": state}, named)
        for change in changes:
            match change:
                case Appeared(cluster=now):
                    assert view is None
                    ports = {each.private_port for each in (now.runtime.ports if now.runtime else None) or ()}
                    view = [now.desired_status, now.runtime is not None, ports]
                case Gone(last_seen=last):
                    assert (last is None) <= (view is None)
                    view = None
                case StatusChanged(before=before, after=after):
                    assert view[0] == before
                    view[0] = after
                case RuntimeUp() | RuntimeDown():
                    assert view[1] is isinstance(change, RuntimeDown)
                    view[1] = not view[1]
                case PortsChanged(opened=opened, closed=closed):
                    assert {each.private_port for each in closed} <= view[2]
                    view[2] = view[2] - {each.private_port for each in closed} | {each.private_port for each in opened}
        if state is not None and state.desired_status != "TERMINATED":
            ports = {each.private_port for each in (state.runtime.ports if state.runtime else None) or ()}
            assert view == [state.desired_status, state.runtime is not None, ports]
