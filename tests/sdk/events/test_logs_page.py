"""docs/logs.md: the log that it shows is one that a program gets, and its tables name every event and attribute."""

import inspect
import logging
import re
from pathlib import Path

import anyio

import tensorone.events
from tensorone import ClusterSpec, RetryPolicy
from tensorone._events import keys
from tensorone.emulator import Fault

PAGE = (Path(__file__).parents[3] / "docs" / "logs.md").read_text()
SPEC = ClusterSpec(image_name="tensorone/pytorch", gpu_type_id="NVIDIA A40")


async def a_bad_day(client, emulator):
    """One deploy that is limited and then loses its answer, and one that is cancelled."""
    deploys = "clusterFindAndDeployOnDemand"
    emulator.faults.add(
        Fault("rate_limited", operation=deploys, retry_after=2), Fault("hang", operation=deploys, commit=True)
    )
    placed = await client.clusters.deploy(SPEC)
    emulator.faults.add(Fault("hang", operation=deploys, commit=True))
    with anyio.move_on_after(20):
        await client.clusters.deploy(SPEC)
    await client.clusters.terminate(placed.id)


def without_names(text: str) -> list[str]:
    """The lines, with ids and tokens replaced, since each run makes others."""
    text = re.sub(r"\b(?=\w*\d)[0-9a-f]{24}\b", "TOKEN", text)
    text = re.sub(r"\b[0-9a-f]{6}…", "TOKEN", text)
    return [re.sub(r"(cluster|machine) (?=\w*\d)[0-9a-z]{10,14}\b", r"\1 ID", line) for line in text.splitlines()]


def test_the_page_shows_what_a_person_reads(on, caplog):
    """The log of the page is what these calls log at INFO, line by line, with the seconds of an emulated clock."""
    caplog.set_level(logging.INFO, "tensorone")
    lines: list[str] = []

    async def main(client, emulator):
        began = anyio.current_time()

        class Keep(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                if record.name == "tensorone":
                    at = int(anyio.current_time() - began)
                    lines.append(
                        f"12:00:{at:02} {record.levelname:7} {record.getMessage()}".replace(
                            "localhost:80", "api.tpu.one:443"
                        )
                    )

        handler = Keep()
        logging.getLogger("tensorone").addHandler(handler)
        try:
            await a_bad_day(client, emulator)
        finally:
            logging.getLogger("tensorone").removeHandler(handler)

    on(main, retry=RetryPolicy(), timeout=30)
    shown = re.search(r"<!-- a bad day -->\n+```\n(.*?)```", PAGE, re.DOTALL)
    assert shown, "\n".join(lines)
    assert without_names(shown[1]) == without_names("\n".join(lines)), "\n".join(lines)


def test_the_page_names_every_event_and_every_attribute():
    """The table of events has each with its name and level; the table of attributes has each key."""
    events = [event for _, event in inspect.getmembers(tensorone.events, inspect.isclass) if event.NAME != "event"]
    rows = {row.split("|")[1].strip().strip("`"): row for row in PAGE.splitlines() if row.startswith("| `")}
    for event in events:
        row = rows[event.NAME]
        assert f"`{event.__name__}`" in row
        assert logging.getLevelName(event.LEVEL) in row
    named = {value for name, value in vars(keys).items() if name.isupper()}
    assert named <= set(re.findall(r"`([a-z_.]+)`", PAGE))
