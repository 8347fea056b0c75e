"""Histories that workflows of earlier versions left: a running fleet must get on with this version, too."""

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from tensorone.temporal import TensorOnePlugin
from tensorone.temporal._workflow import FleetWorkflow

HISTORIES = sorted(Path(__file__).parent.glob("history*.json"))


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_recorded_history_is_replayed_by_this_version(path):
    """The workflow asks for the same activities and timers as the one whose history this is."""
    history = WorkflowHistory.from_json("tensorone/one/night/0", path.read_text())
    assert any(each.HasField("workflow_execution_completed_event_attributes") for each in history.events)
    await Replayer(workflows=[FleetWorkflow], plugins=[TensorOnePlugin()]).replay_workflow(history)
