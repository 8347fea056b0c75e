"""Lists of results: lists for programs, flat rows for a DataFrame, tables for a notebook."""

import pickle
import re
from dataclasses import dataclass
from html.parser import HTMLParser

from tensorone import ClusterNotFound, ClusterSpec, Listing, Outcome, OutcomeUnknown, SpotQuote, TensorOne, fan_out
from tensorone._display.rows import cells, duration, row
from tensorone._display.table import table

SPEC = ClusterSpec(
    image_name="<b>i</b>", gpu_type_id="NVIDIA A40", ports=["8888/http", "22/tcp"], env={"PASSWORD": "correct-horse"}
)


class Texts(HTMLParser):
    """Collects the cells of a table, and every attribute that could load something."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.loads: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.loads += [name for name, _ in attrs if name in ("src", "href", "onclick")]
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


async def test_a_listing_is_a_list(client: TensorOne) -> None:
    """It equals a list of the same items, can be changed, copied and pickled, and prints as a list."""
    found = await client.gpu_types.list()
    assert isinstance(found, Listing)
    assert found == list(found)
    assert repr(found) == repr(list(found))
    assert pickle.loads(pickle.dumps(found)) == found
    assert found[:2] == list(found)[:2]


async def test_what_returns_many_returns_a_listing(client: TensorOne) -> None:
    """Clusters, quotes, outcomes, endpoints and expired clusters are all shown as tables."""
    ids = [each.id for each in await client.clusters.list()]
    many = [
        await client.clusters.get_many(ids),
        await client.spot.quotes(),
        await client.endpoints.list(),
        await client.clusters.bills(),
        await client.clusters.reap(action="stop", dry_run=True),
        await fan_out(client.clusters.get, ids),
    ]
    assert all(type(each) is Listing for each in many)


async def test_rows_are_flat_and_hold_names_of_variables_only(client: TensorOne) -> None:
    """A DataFrame made of rows has plain values, ports as people read them, and no value of a variable."""
    placed = await client.clusters.deploy(SPEC)
    await client.clusters.wait_until_running(placed.id, timeout=10, port=22, every=0.05)
    listed = [each for each in (await client.clusters.list()).rows() if each["id"] == placed.id]
    assert list(listed[0]) == [
        *("id", "name", "status", "image_name", "uptime_seconds", "gpu_count"),
        *("gpu_utilization_percent", "ports", "machine_id", "env"),
    ]
    assert listed[0]["status"] == "RUNNING"
    assert type(listed[0]["status"]) is str
    assert listed[0]["gpu_count"] == 1
    assert re.fullmatch(r"8888/http, 22/tcp at [\d.]+:\d+", str(listed[0]["ports"]))
    assert "PASSWORD" in str(listed[0]["env"])
    made = Listing([placed, Outcome(item=placed.id, value=placed), (await client.spot.quotes())[0]]).rows()
    assert made[1]["value_id"] == placed.id
    assert made[0]["machine_cluster_host_id"]
    for each in listed + made:
        assert "correct-horse" not in repr(each)
        assert all(value is None or isinstance(value, str | int | float) for value in each.values())


async def test_a_table_of_clusters_is_escaped_and_loads_nothing(client: TensorOne) -> None:
    """A table shows what a person looks for first; markup in a name stays text."""
    await client.clusters.deploy(SPEC)
    clusters = await client.clusters.list()
    html = clusters._repr_html_()
    shown = Texts(html)
    assert shown.rows[0] == ["id", "name", "status", "up", "GPUs", "ports"]
    assert [each[0] for each in shown.rows[1:]] == [each.id for each in clusters]
    assert shown.loads == []
    assert "correct-horse" not in html
    assert "<script>" not in table([Outcome(item="<script>x</script>")])


def test_a_long_table_shows_failures_first_and_how_many_more() -> None:
    """Twenty rows at most: what failed, then the rest in order, and a count of what is left out."""
    outcomes = Listing([Outcome(item=str(n), value=n) for n in range(199)])
    outcomes.append(Outcome(item="lost", error=ClusterNotFound("there is no cluster lost")))
    shown = Texts(outcomes._repr_html_())
    assert shown.rows[1] == ["lost", "False", "", "ClusterNotFound: there is no cluster lost"]
    assert shown.rows[2][:2] == ["0", "True"]
    assert len(shown.rows) == 21
    assert "180 more" in outcomes._repr_html_()
    assert "more" not in Listing(outcomes[:20])._repr_html_()
    assert "nothing" in Listing()._repr_html_()


async def test_missing_clusters_and_quotes_without_stock_leave_cells_empty(client: TensorOne) -> None:
    """A cluster that does not exist is an empty row; a type that is sold out has no price and no saving."""
    listed = await client.clusters.list()
    assert Listing([None, *listed]).rows()[0] == {}
    shown = Texts(table([listed[0], None])).rows  # columns that nobody fills are left out
    assert shown == [["id", "name", "status"], [listed[0].id, listed[0].name, "EXITED"], ["", "", ""]]
    quotes = await client.spot.quotes()
    names = list(cells(quotes[0]))
    assert names == ["GPU type", "GPUs", "spot $/GPU·h", "fixed $/GPU·h", "saves", "problem"]
    assert re.fullmatch(r"\d+%", cells(quotes[0])["saves"])
    sold_out = SpotQuote(gpu_type_id="NVIDIA A40", gpu_count=1, minimum_bid=None, on_demand_price=0.4)
    assert cells(sold_out)["saves"] == ""
    stopped = next(each for each in listed if each.runtime is None)
    assert (row(stopped)["gpu_count"], row(stopped)["ports"], cells(stopped)["up"]) == (None, None, "")


def test_other_values_have_rows_too() -> None:
    """A plain value is a row of one; sequences and mappings are joined, a mapping by its names."""
    assert row("a") == {"value": "a"}
    made = Outcome(item=("a", 1), value={"PASSWORD": "x"}, error=ValueError("no"))
    assert row(made) == {"item": "a, 1", "value": "PASSWORD", "error": "ValueError: no"}
    assert row(Outcome(item=object, value=0.5)) == {"item": str(object), "value": 0.5, "error": None}
    assert cells(0.123456) == {"value": "0.1235"}


def test_a_duration_has_the_largest_unit_that_fits() -> None:
    """Seconds, minutes, hours and days, rounded down."""
    units = {-1: "0 s", 41: "41 s", 60: "1 min", 7199: "119 min", 7200: "2 h", 86400: "24 h", 172800: "2 days"}
    assert {seconds: duration(seconds) for seconds in units} == units


def test_a_notebook_shows_what_an_error_bills_and_whether_to_repeat() -> None:
    """An error as a value shows its text, escaped, its bill and that a repeat is safe, where that is so."""
    lost = OutcomeUnknown("the answer was <lost>", client_token="t", billing="cluster a may run")
    assert lost._repr_html_() == (
        "<p><b>OutcomeUnknown</b>: the answer was &lt;lost&gt;<br>billed: cluster a may run</p>"
    )
    assert "safe to repeat" in ClusterNotFound("no", retryable=True)._repr_html_()


class Speechless(Exception):
    """What cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError


@dataclass
class Node:
    """An item that can hold itself."""

    name: object
    parent: object = None


def test_items_may_be_anything() -> None:
    """Whatever a caller's items hold, each has its row and its line in the table."""
    inside = Node("a")
    inside.parent = inside
    endless: list[object] = []
    endless.append(endless)
    found = Listing[object](
        [inside, Node(Speechless(), Speechless), Node(endless, b"\xff"), Node({Speechless(): 1}), "b"]
    )
    assert found.rows()[:3] == [
        {"name": "a", "parent": "…"},
        {"name": "Speechless: <Speechless>", "parent": str(Speechless)},
        {"name": "…", "parent": r"b'\xff'"},
    ]
    assert found.rows()[3:] == [{"name": "<Speechless>", "parent": None}, {"value": "b"}]
    assert table(found).count("<tr>") == 6
    shown = Texts(table([Node("x" * 10_000, "\u202eabc\x00\ud800\n"), Node(10**5000)])).rows
    assert shown == [["name", "parent"], ["x" * 300 + "…", "\ufffdabc\ufffd\ufffd\n"], ["<int>", ""]]
