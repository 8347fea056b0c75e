"""The pytest plugin, as the tests of a project of its own meet it."""

from __future__ import annotations

import dataclasses
import inspect
import os
import subprocess
import sys

import pytest
from tensorone_graphql import GraphQLClient

from tensorone._graphql.calls import CALLS
from tensorone.emulator import Emulator, Fault, Order
from tensorone.testing import _marks, _values, _world

pytest_plugins = ["pytester"]

SETTINGS = """
[pytest]
addopts = -W error --strict-markers --strict-config -p no:cacheprovider -p no:hypothesispytest
asyncio_default_fixture_loop_scope = function
"""


@pytest.fixture
def project(pytester):
    """An empty project with strict settings."""
    pytester.makefile(".ini", pytest=SETTINGS)
    return pytester


def fails_with(result, *texts):
    """Whether all of the texts are in the output of a run."""
    output = result.stdout.str() + result.stderr.str()
    assert [text for text in texts if text not in output] == [], output
    return output


ASYNC = """
import pytest, pytest_asyncio, tensorone
from tensorone import ClusterSpec, TensorOne

SPEC = ClusterSpec(image_name="i", gpu_type_id="NVIDIA A40")

FIXTURE
async def placed(tensorone_client):
    placed = await tensorone_client.clusters.deploy(SPEC)
    yield placed
    await tensorone_client.clusters.terminate(placed.id)

MARK
@pytest.mark.tensorone(leftovers="fail")
async def test_a_fixture_of_the_project(placed, tensorone_client):
    assert [each.id for each in await tensorone_client.clusters.list()] == [placed.id]

MARK
@pytest.mark.tensorone_fault("close", operation="clusterFindAndDeployOnDemand", commit=True)
async def test_a_lost_answer_in_the_process(tensorone_client, tensorone_emulator):
    placed = await tensorone_client.clusters.deploy(SPEC)
    assert [*tensorone_emulator.world.clusters] == [placed.id]
    assert [hit.fault.kind for hit in tensorone_emulator.faults.hits] == ["close"]

MARK
@pytest.mark.tensorone_fault("close", operation="clusterFindAndDeployOnDemand", commit=True)
async def test_a_mark_is_enough_for_a_client_of_the_projects_own():
    async with TensorOne() as client:
        placed = await client.clusters.deploy(SPEC)
        assert [each.id for each in await client.clusters.list()] == [placed.id]

def test_without_a_runner(tensorone_client):
    async def main():
        return await tensorone_client.clusters.list()

    assert tensorone.run(main) == []
"""


def test_it_serves_every_runner(project, monkeypatch):
    """pytest-asyncio's strict mode and anyio's plugin on both loops, in one run, without a warning."""
    monkeypatch.delenv("TENSORONE_HTTP")
    strict = ASYNC.replace("FIXTURE", "@pytest_asyncio.fixture").replace("MARK", "@pytest.mark.asyncio")
    anyio = ASYNC.replace("FIXTURE", "@pytest.fixture").replace("MARK", "@pytest.mark.anyio")
    project.makepyfile(test_strict=strict, test_anyio=anyio)
    project.runpytest_subprocess("-o", "asyncio_mode=strict").assert_outcomes(passed=4 + 7)


@pytest.mark.slow
def test_it_serves_auto_mode_and_workers(project, monkeypatch):
    """pytest-asyncio's auto mode, with an emulator for each worker; there, a wrong mark fails its test alone."""
    project.makepyfile(
        test_auto=ASYNC.replace("FIXTURE", "@pytest.fixture").replace("MARK", ""),
        test_ports="""
            import os, pytest

            @pytest.mark.parametrize("turn", range(2))
            def test_port(tensorone_emulator, turn):
                with open(os.environ["PORTS"], "a") as file:
                    file.write(f"{os.environ['PYTEST_XDIST_WORKER']} {tensorone_emulator.url}\\n")

            @pytest.mark.tensorone(sead=3)
            def test_wrong(): ...
        """,
    )
    monkeypatch.setenv("PORTS", str(project.path / "ports"))
    result = project.runpytest_subprocess("-n", "2", "-o", "asyncio_mode=auto", "--dist", "each")
    result.assert_outcomes(passed=2 * (4 + 2), errors=2)
    assert "has no sead; it has seed, boot" in result.stdout.str()
    urls = dict(line.split() for line in (project.path / "ports").read_text().splitlines())
    assert len(set(urls.values())) == 2


def test_marks_and_options(project):
    """Options of the session, then marks of the module, the class, the test and its parameters: the closest counts."""
    project.makeconftest("""
        import pytest
        from tensorone.emulator import Host

        @pytest.fixture(scope="session")
        def tensorone_options():
            host = Host(machine_id="h1", gpu_type_id="NVIDIA A40", cloud="SECURE", gpus=4)
            return {"seed": 5, "balance": "7", "hosts": [host], "rate_limit": 50}
    """)
    project.makepyfile("""
        import os, pytest
        from decimal import Decimal
        from tensorone.emulator import Boot, MarketMove

        tensorone, fault, market = (
            getattr(pytest.mark, name) for name in ("tensorone", "tensorone_fault", "tensorone_market")
        )
        pytestmark = [fault("hang"), tensorone(speed=0)]

        @pytest.fixture(autouse=True)
        def before():
            return os.environ["TENSORONE_API_KEY"]  # marks set up the emulator before other fixtures

        class TestNext:
            pytestmark = [tensorone(balance=8, boot="3r")]

            def test_options(self, tensorone_emulator, before):
                world = tensorone_emulator.world
                assert (world.now, world.balance, world.boot, world.clusters) == (0, 8, Boot(reads=3), {})
                assert [host.machine_id for host in world.hosts] == ["h1"]
                assert os.environ["TENSORONE_API_URL"] == tensorone_emulator.url
                assert before == tensorone_emulator.api_key
                assert tensorone_emulator._app.rate_limit.per_second == 50
                tensorone_emulator.faults.clear()

            @fault("close", operation="clusterStop")
            @fault("bad_gateway", times=None)
            @pytest.mark.parametrize("balance", [9, pytest.param(1, marks=tensorone(balance=1))])
            @tensorone(balance=9, rate_limit=3, boot="at-once")
            def test_closest(self, tensorone_emulator, balance):
                world = tensorone_emulator.world
                assert (world.balance, world.boot) == (balance, Boot())
                assert tensorone_emulator._app.rate_limit.per_second == 3
                assert [each.kind for each in tensorone_emulator.faults.pending] == ["hang", "close", "bad_gateway"]

        def test_reset(tensorone_emulator):
            assert (tensorone_emulator.world.balance, tensorone_emulator.world.boot) == (7, Boot())
            assert len(tensorone_emulator.faults.pending) == 1
            assert tensorone_emulator.world.saved.templates == {}

        @market(moves=[MarketMove(at=60, gpu_type_id="NVIDIA A40", minimum_bid="0.31")])
        def test_moves(tensorone_emulator):
            tensorone_emulator.world.advance(61)
            assert tensorone_emulator.world.minimum_bid("NVIDIA A40") == Decimal("0.31")

        @pytest.mark.parametrize(
            "end", [pytest.param(21_600, marks=market(seed=7)), pytest.param(900, marks=market(seed=7, seconds=900))]
        )
        def test_drawn(tensorone_emulator, end):
            world, prices = tensorone_emulator.world, []
            while world.now < 22_000:
                prices.append(world.minimum_bid("NVIDIA A40"))
                world.advance(300)
            moved = [turn * 300 for turn in range(1, len(prices)) if prices[turn - 1] != prices[turn]]
            assert moved[0] == 300 and end - 900 < moved[-1] < end

        @pytest.mark.usefixtures("tensorone_emulator")
        def test_nothing_else_was_needed(): ...
    """)
    project.runpytest_inprocess().assert_outcomes(passed=8)
    assert "127.0.0.1" not in os.environ.get("TENSORONE_API_URL", "")


FAILING = """
import json, os, pytest, urllib.request
from tensorone.emulator import Emulator, MarketMove, Order

pytestmark = pytest.mark.tensorone(leftovers="fail")
ORDER = Order(image_name="i", gpu_type_id="NVIDIA A40", gpu_count=2, env=(("PASSWORD", "hunter2"),))

def send(document):
    url = f"{os.environ['TENSORONE_API_URL']}?api_key={os.environ['TENSORONE_API_KEY']}"
    body, head = json.dumps({"query": document}).encode(), {"content-type": "application/json"}
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(urllib.request.Request(url, body, head)).read()

def test_forgets(tensorone_emulator):
    tensorone_emulator.world.deploy(ORDER)

@pytest.mark.tensorone(leftovers="allow")
def test_may_forget(tensorone_emulator):
    tensorone_emulator.world.deploy(ORDER)

@pytest.mark.tensorone(first_clusters=True)
def test_is_not_blamed_for_what_was_there(tensorone_emulator):
    running = [each for each in tensorone_emulator.world.clusters.values() if each.running]
    assert running
    tensorone_emulator.world.terminate(tensorone_emulator.world.deploy(ORDER).id)

def test_fails_anyway(tensorone_emulator):
    tensorone_emulator.world.deploy(ORDER)
    send('query Early { myself { id } }')
    for turn in range(19):
        send('query Late { myself { id } }')
    send('mutation Deploy { clusterFindAndDeployOnDemand(input: {imageName: "i", gpuTypeId: "NVIDIA L4", '
         'env: [{key: "A", value: "hunter2"}]}) { id } }')
    assert False

def test_reaches_nothing(tensorone_emulator):
    assert False

@pytest.mark.tensorone_fault("close", operation="clusterTerminat")
@pytest.mark.parametrize("kind", ["no such"])
def test_wrong_operation(kind): ...

@pytest.mark.tensorone_market(moves=[MarketMove(at=0, gpu_type_id="A6000", preempt=1)])
def test_wrong_market(): ...
"""


def test_what_a_failed_test_shows(project):
    """A forgotten cluster's id and price; the last twenty requests without values; what is wrong in a mark."""
    project.makepyfile(test_it=FAILING, test_other="def test_is_not_concerned():\n    assert False")
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=3, failed=3, errors=3)
    output = fails_with(
        result,
        'clusters still run at the end of the test (leftovers="fail"):',
        "2 x NVIDIA A40, $0.81 an hour",
        "none reached the emulator",
        "@pytest.mark.tensorone_fault has a wrong value: operation='clusterTerminat' is unknown; root fields: cluster,",
        "; operations of the SDK: DeleteEndpoint, ",
        "@pytest.mark.tensorone_market has a wrong value: the catalogue has no GPU type A6000",
    )
    (forgotten,) = {line.strip().partition(":")[0] for line in output.splitlines() if "2 x NVIDIA A40" in line}
    order = Order(image_name="i", gpu_type_id="NVIDIA A40", gpu_count=2)
    assert forgotten == Emulator(first_clusters=False).world.deploy(order).id  # same seed, same id
    _, _, shown = output.partition("_ test_fails_anyway _")
    section = shown.partition("- tensorone requests -")[2].partition("\n___")[0]
    assert section.count(" 200 ") == 20
    assert ("Early" in section, section.count("Late"), section.count("Deploy 200")) == (False, 19, 1)
    assert "hunter2" not in section
    assert "tpo_test" not in output
    assert "tensorone requests" not in output.partition("_ test_is_not_concerned _")[2].partition("___")[0]


MISTAKES = {
    "tensorone(sead=3)": "@pytest.mark.tensorone has no sead; it has seed, boot, speed, balance, rate_limit,",
    'tensorone(leftovers="forbid")': """takes leftovers="fail" or "allow", not 'forbid'""",
    'tensorone("at-once")': "takes keywords alone, not 'at-once'",
    "tensorone_fault": "takes the kind of one fault",
    'tensorone_fault("close", operations="x")': "@pytest.mark.tensorone_fault has no operations; it has operation,",
    "tensorone_market": "takes either seed= or moves=",
    "tensorone_market(seed=1, moves=[])": "takes either seed= or moves=",
    "tensorone_market(moves=[], seconds=3)": "takes seconds= with seed= alone",
    "tensorone(seed='a')": "@pytest.mark.tensorone takes seed= as a whole number, or None, not 'a'",
    "tensorone(speed=-1)": "takes speed= as a finite number from 0, or None, not -1",
    "tensorone(balance='much')": "takes balance= as US dollars from 0, or None, not 'much'",
    "tensorone(balance=[])": "takes balance= as US dollars from 0, or None, not []",
    "tensorone(rate_limit=float('inf'))": "takes rate_limit= as a finite number above 0, or None, not inf",
    "tensorone(first_clusters='no')": "takes first_clusters= as True or False, or None, not 'no'",
    "tensorone(boot='soon')": "@pytest.mark.tensorone has a wrong value: a boot is 'at-once', 'never',",
    "tensorone(boot=3)": "takes boot= as text, such as '20s', or as a tensorone.emulator.Boot, not 3",
    'tensorone_fault("clos")': "@pytest.mark.tensorone_fault has a wrong value: kind must be one of refuse, close",
    'tensorone_fault("close", operation="clusters.stop")': "takes operation= as a root field, such as",
    'tensorone_fault("close", times=1.5)': "takes times= as a whole number, or None, not 1.5",
    'tensorone_fault("delay", seconds="1")': "takes seconds= as a finite number from 0, or None, not '1'",
    'tensorone_fault("rate_limited", retry_after=-1)': "takes retry_after= as whole seconds or an HTTP date,",
    'tensorone_fault("close", commit="yes")': "takes commit= as True or False, or None, not 'yes'",
    'tensorone_fault("garbage", body=None)': "takes body= as a string, not None",
    'tensorone_fault("graphql_error", entry=[])': "takes entry= as a mapping, or None, not []",
    'tensorone_fault("close", probability=2)': "has a wrong value: probability must be between 0 and 1, not 2",
    "tensorone_market(seed=1, seconds=-5)": "takes seconds= as a finite number above 0, not -5",
    "tensorone_market(moves=['x'])": "takes moves= as a list of tensorone.emulator.MarketMove, not ['x']",
}


def test_a_wrong_mark_is_a_usage_error(project):
    """It names the test and lists what would be right, once for all tests that have it."""
    marks = "".join(f"@pytest.mark.{mark}\n" for mark in MISTAKES)
    project.makepyfile(f"import pytest\n{marks}@pytest.mark.parametrize('turn', [1, 2])\ndef test_it(turn): ...")
    result = project.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    output = fails_with(result, *MISTAKES.values(), "::test_it[1]: @pytest.mark.tensorone has no sead")
    assert "::test_it[2]" not in output


def test_marks_have_the_keywords_of_the_emulator():
    """Faults those of `Fault`, the others those of `Emulator.reset`; the options are those of `Emulator`."""
    fault = [field.name for field in dataclasses.fields(Fault)]
    assert ["kind", *_marks.MARKS["tensorone_fault"].keywords] == fault
    assert [*_values.RULES["tensorone_fault"]] == fault[1:]
    sent = {"".join(map(str.capitalize, name.split("_"))) for name in vars(GraphQLClient) if not name.startswith("_")}
    assert {*_marks.OPERATIONS} == sent | {*CALLS}  # those that are merged have no method
    reset = {*inspect.signature(Emulator.reset).parameters, *_world.OF_THE_TEST} - {"self"}
    assert {*_marks.MARKS["tensorone"].keywords} == reset
    assert _marks.DEFAULTS.keys() <= inspect.signature(Emulator).parameters.keys()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sead": 1}, "tensorone_options has no sead; it has seed, speed, port"),
        ({"leftovers": "forbid"}, """tensorone_options takes leftovers="fail" or "allow", not 'forbid'"""),
        ({"balance": -5}, "tensorone_options takes balance= as US dollars from 0, or None, not -5"),
        ({"port": "x"}, "tensorone_options takes port= as a number from 0 to 65535, not 'x'"),
        (None, "tensorone_options must return a dict of keywords, not NoneType"),
        ({"boot": "soon"}, "tensorone_options has a wrong value: a boot is 'at-once'"),
    ],
)
def test_wrong_options_fail_the_tests_that_need_them(project, options, message):
    """The error names the option and what would be right."""
    project.makepyfile(f"""
        import pytest

        @pytest.fixture(scope="session")
        def tensorone_options():
            return {options}

        def test_it(tensorone_emulator): ...
        def test_another(): ...
    """)
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=1, errors=1)
    fails_with(result, message)


def test_options_may_forbid_leftovers_everywhere(project):
    """`leftovers` as an option of the session holds for every test, unless a mark allows them."""
    project.makepyfile("""
        import pytest
        from tensorone.emulator import Order

        @pytest.fixture(scope="session")
        def tensorone_options():
            return {"leftovers": "fail"}

        def test_it(tensorone_emulator):
            tensorone_emulator.world.deploy(Order(image_name="i", gpu_type_id="NVIDIA A40"))

        @pytest.mark.tensorone(leftovers="allow")
        def test_allowed(tensorone_emulator):
            tensorone_emulator.world.deploy(Order(image_name="i", gpu_type_id="NVIDIA A40"))
    """)
    project.runpytest_inprocess().assert_outcomes(passed=2, errors=1)


def test_without_the_emulator_it_says_what_to_install(project):
    """A test that asks for the emulator fails with the command; other tests run."""
    project.makepyfile("""
        import sys
        sys.modules["tensorone.emulator"] = None  # as if it could not be imported

        import pytest

        @pytest.mark.tensorone_fault("no such")
        def test_it(tensorone_client): ...
        def test_another(): ...
    """)
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=1, errors=1)
    fails_with(result, "the fixtures of tensorone need an extra: pip install 'tensorone[testing]'")


ONLY_EMULATED = """
import os, socket, urllib.request
from urllib.parse import urlsplit
import pytest

def test_the_port_is_closed():
    from conftest import SEEN
    assert SEEN == os.environ["TENSORONE_API_URL"]
    assert os.environ["TENSORONE_API_KEY"] == "tensorone_only_emulated"
    parts = urlsplit(SEEN)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((parts.hostname, parts.port))

def test_the_emulator_is_reached(tensorone_emulator):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(os.environ["TENSORONE_API_URL"].removesuffix("graphql")) as answer:
        assert b"emulator" in answer.read()

def test_and_the_port_is_closed_again():
    test_the_port_is_closed()
"""


def test_only_emulated(project, monkeypatch):
    """The variables point to a closed port before conftest.py is imported, and have their values back at the end."""
    monkeypatch.setenv("TENSORONE_API_KEY", "tpo_live")
    monkeypatch.delenv("TENSORONE_API_URL", raising=False)
    project.makefile(".ini", pytest=SETTINGS + "tensorone_only_emulated = true\n")
    project.makeconftest('import os\nSEEN = os.environ["TENSORONE_API_URL"]\n')
    project.makepyfile(ONLY_EMULATED)
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=3)
    fails_with(result, "tensorone: only emulated")
    assert os.environ["TENSORONE_API_KEY"] == "tpo_live"
    assert "TENSORONE_API_URL" not in os.environ


def test_pytest_tells_of_fixtures_and_marks(project):
    """`--fixtures` and `--markers` show what each is for."""
    output = project.runpytest_inprocess("--fixtures").stdout.str()
    for name in ("tensorone_options", "tensorone_server", "tensorone_emulator", "tensorone_client"):
        assert f"\n{name}" in output
    assert "TENSORONE_API_KEY and TENSORONE_API_URL point to it" in output
    output = project.runpytest_inprocess("--markers").stdout.str()
    for name in ("tensorone(seed=,", 'tensorone_fault("close",', "tensorone_market(seed=7)"):
        assert f"@pytest.mark.{name}" in output
    assert "tensorone_only_emulated (bool)" in project.runpytest_inprocess("--help").stdout.str()


def test_importing_it_imports_pytest_alone():
    """A project that installs the SDK and asks for no fixture pays for three small modules."""
    code = """
import sys, pytest
before = {*sys.modules}
import tensorone.testing._plugin
print(*sorted({*sys.modules} - before))
"""
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    modules = ["tensorone", "tensorone.testing"]
    assert done.stdout.split() == [
        *modules,
        *(f"tensorone.testing.{name}" for name in ("_closed_port", "_marks", "_plugin")),
    ]
