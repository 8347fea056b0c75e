"""What goes through Temporal: values, errors, and what is known of a round whose worker died."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import anyio
import pytest
from fleets_for_temporal import fleet_of
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes
from temporalio.exceptions import ActivityError, ApplicationError, RetryState, TimeoutType
from temporalio.exceptions import TimeoutError as TemporalTimeout
from temporalio.worker import UnsandboxedWorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from tensorone import (
    AuthenticationError,
    BidPolicy,
    ConfigurationError,
    NoCapacity,
    OutcomeUnknown,
    RateLimited,
    TensorOne,
)
from tensorone.fleet import FleetSpec, Pending, RecoveryFailed, RecoverySucceeded
from tensorone.temporal import TensorOnePlugin, fleet_worker, original_error
from tensorone.temporal._converter import converting
from tensorone.temporal._lost_rounds import ignored, outcome_of, raise_unless, trouble_of, words_of
from tensorone.temporal._plugin import _runner
from tensorone.temporal._shard import begun
from tensorone.temporal._values import Outcome, Shard

CONVERTER = converting(None)


def through_temporal(value, kind):
    """The value as the other side reads it."""
    payloads = CONVERTER.payload_converter.to_payloads([value])
    return CONVERTER.payload_converter.from_payloads(payloads, [kind])[0]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (fleet_of(3, budget=10), FleetSpec),
        (begun(fleet_of(2), {"w0": "abc"}), Shard),
        (BidPolicy(ceiling=Decimal("0.4")), BidPolicy),
        (Pending("abc", 2.0, "why"), Outcome),
        (RecoveryFailed("abc", "why", bids=((Decimal("0.2"), "no"),)), Outcome),
        (RecoverySucceeded("abc", "def", Decimal("0.2")), Outcome),
        ({"plain": [1, "two", None]}, dict),
        (None, type(None)),
    ],
)
def test_values_are_read_as_they_were_written(value, kind):
    """Those of the kit, and plain ones."""
    assert through_temporal(value, kind) == value


def test_a_codec_and_an_own_failure_converter_are_kept():
    """The plugin changes what it has to, and no more."""
    given = replace(DataConverter.default, failure_converter_class=DefaultFailureConverterWithEncodedAttributes)
    assert converting(given).failure_converter_class is DefaultFailureConverterWithEncodedAttributes
    plain = UnsandboxedWorkflowRunner()
    assert _runner(plain) is plain
    assert isinstance(_runner(None), SandboxedWorkflowRunner)


def failed_with(error):
    """What a workflow catches when an activity raised this."""
    failure = Failure()
    CONVERTER.failure_converter.to_failure(error, CONVERTER.payload_converter, failure)
    cause = CONVERTER.failure_converter.from_failure(failure, CONVERTER.payload_converter)
    caught = ActivityError(
        "Activity task failed",
        scheduled_event_id=1,
        started_event_id=2,
        identity="worker",
        activity_type="tensorone-round",
        activity_id="1",
        retry_state=RetryState.MAXIMUM_ATTEMPTS_REACHED,
    )
    caught.__cause__ = cause
    return caught


def test_errors_keep_their_fields_and_say_whether_to_repeat():
    """A limit is repeated when the server says, a refused key is not, and both come back whole."""
    limited = failed_with(RateLimited("slower", retry_after=3.5))
    assert limited.cause.type == "RateLimited"
    assert limited.cause.next_retry_delay == timedelta(seconds=3.5)
    assert not limited.cause.non_retryable
    assert original_error(limited).retry_after == 3.5
    refused = failed_with(AuthenticationError("no", errors=[{"message": "no"}]))
    assert refused.cause.non_retryable
    assert original_error(refused).errors == [{"message": "no"}]
    lost = OutcomeUnknown("lost", client_token="t")
    assert failed_with(lost).cause.non_retryable
    lost.token_given = True
    assert not failed_with(lost).cause.non_retryable
    assert original_error(lost) is lost


def test_errors_of_others_are_none_of_the_sdks():
    """They have Temporal's own form."""
    assert original_error(failed_with(RuntimeError("x"))) is None
    assert original_error(failed_with(ApplicationError("x", "no error's text"))) is None


def timed_out(kind):
    """What a workflow catches when an activity was too slow."""
    caught = failed_with(RuntimeError("x"))
    caught.__cause__ = TemporalTimeout("too slow", type=kind, last_heartbeat_details=[])
    return caught


def test_of_a_round_that_nobody_began_it_is_known_that_nothing_was_sent():
    """Only where it was its own first one: before that another one may have sent something."""
    nobody = timed_out(TimeoutType.SCHEDULE_TO_START)
    assert outcome_of(nobody, "abc", new=True) == RecoveryFailed(
        "abc", "No worker was free to begin the round in time.", tried=False
    )
    assert isinstance(outcome_of(nobody, "abc", new=False), Pending)
    assert trouble_of(nobody) is None
    assert words_of(nobody) == "TimeoutError: too slow"


def test_of_a_round_whose_worker_died_nothing_is_known():
    """It is looked for before anything else is sent."""
    assert isinstance(outcome_of(timed_out(TimeoutType.HEARTBEAT), "abc", new=True), Pending)
    assert isinstance(outcome_of(failed_with(RuntimeError("x")), "abc", new=True), Pending)


def test_a_round_that_may_not_be_made_has_failed():
    """A refused key and a variable that is not set are for a person, and nothing was rented."""
    refused = failed_with(ConfigurationError("HF_TOKEN is not set"))
    assert outcome_of(refused, "abc", new=True) == RecoveryFailed("abc", "HF_TOKEN is not set")
    assert isinstance(outcome_of(refused, "abc", new=False), Pending)
    assert trouble_of(refused) == "ConfigurationError: HF_TOKEN is not set"
    assert trouble_of(failed_with(NoCapacity("later"))) is None


@pytest.mark.parametrize("cancelled", [True, False])
def test_what_nobody_waits_for_ends_in_silence(cancelled):
    """A look that is cancelled since the fleet has changed: asyncio would log its error as one that nobody took."""
    asked = []
    ignored(SimpleNamespace(cancelled=lambda: cancelled, exception=lambda: asked.append("its error")))
    assert asked == ([] if cancelled else ["its error"])


def test_only_a_cancellation_ends_a_fleet():
    """A workflow that leaves one worker's cache, or has an error of its own, goes on elsewhere."""
    raise_unless(True, RuntimeError("x"))
    with pytest.raises(RuntimeError):
        raise_unless(False, RuntimeError("x"))


def test_it_runs_on_asyncio_only_and_says_so():
    """Temporalio does, and on trio nothing would answer."""

    async def main():
        async with fleet_worker(None, TensorOne("tpo_x"), account="one", requests_per_second=1):
            pass

    with pytest.raises(ConfigurationError, match="asyncio only"):
        anyio.run(main, backend="trio")


def test_the_plugin_has_a_name():
    """By which a worker finds it."""
    assert TensorOnePlugin().name() == "tensorone.TensorOnePlugin"
