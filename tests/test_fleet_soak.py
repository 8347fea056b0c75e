"""A small soak of a fleet whose process is killed; `make soak-fleet` runs the large one."""

import pytest
from fleet_soak import soak


@pytest.mark.timeout(120)
def test_a_killed_keeper_loses_no_cluster():
    """Killed, frozen and restarted from its file: nothing lost, nothing left stopped, nothing that nobody claims."""
    report = soak(6, seed=1, hits=3, calm=60)
    assert report.clean, str(report)
    assert report.moves > 0
