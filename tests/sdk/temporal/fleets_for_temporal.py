"""Fleets, looks and outcomes for the tests beside this."""

from tensorone import BidPolicy, ClusterSpec
from tensorone.fleet import FleetSpec

A40 = "NVIDIA A40"


def fleet_of(count, name="night", **settings):
    """A fleet of so many slots, which acts fast."""
    given = {
        "name": name,
        "slots": {f"w{number}": "train" for number in range(count)},
        "specs": {"train": ClusterSpec(image_name="i", gpu_type_id=A40, volume_in_gb=20)},
        "bidding": BidPolicy(ceiling=0.4),
        "left_behind": "terminate",
        "every": 0.3,
        "settle_time": 0.3,
        "backoff_initial": 0.1,
    }
    return FleetSpec(**given | settings)
