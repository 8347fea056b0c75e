"""A small soak of a fleet that Temporal keeps, whose worker is killed; `make soak-fleet` runs the large one."""

import pytest
from temporal_soak import Task, soak


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_killed_worker_loses_no_cluster_and_nothing_secret_is_stored():
    """Another one goes on: nothing is lost, nothing is left, and the database holds no key and no environment value."""
    report = soak(Task(6, seed=1, hits=1, workers=2))
    assert report.clean, str(report)
    assert report.moves > 0
