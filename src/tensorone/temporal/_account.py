"""The workflow of an account: which of its workers acts. Deterministic."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from ._activities import HEARTBEAT, Activities

MOST_EVENTS = 600
A_DAY = timedelta(days=1)
AGAIN = RetryPolicy(initial_interval=timedelta(seconds=0.5), backoff_coefficient=1.0)


@workflow.defn(name="tensorone-account")
class AccountWorkflow:
    """Lets one worker act for the account, and another one when that ends or gives no sign of life."""

    @workflow.run
    async def run(self) -> None:
        """Without an end: it costs nothing while no worker is there."""
        while workflow.info().get_current_history_length() < MOST_EVENTS:
            await workflow.execute_activity_method(
                Activities.act, start_to_close_timeout=A_DAY, heartbeat_timeout=HEARTBEAT, retry_policy=AGAIN
            )
        workflow.continue_as_new()
