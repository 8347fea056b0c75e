"""A small soak: every fault, cancellations, and a caller that is killed half-way; `make soak` runs the large one."""

import pytest
from soak import soak


@pytest.mark.timeout(180)
def test_no_machine_and_no_dollar_is_lost():
    """Afterwards the callers know exactly which clusters exist."""
    report = soak(90, seed=1)
    assert report.clean, str(report)
    assert report.faults > 20
    assert report.wasted == 0


@pytest.mark.timeout(180)
def test_the_comparison_can_fail():
    """A client that repeats every failed call leaves machines that no caller knows."""
    report = soak(90, seed=1, client="naive")
    assert report.orphans
    assert report.duplicates
    assert report.wasted > 0
