"""What a fleet claims against what its account has: the comparison that the soaks of fleets make at rest."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from tensorone.emulator import Emulator


def differences(emulator: Emulator, claimed: Collection[str], left: Collection[str] = ()) -> dict[str, list[str]]:
    """What is not as claimed, by kind and sorted; all of it is empty at rest.

    Args:
        emulator: The server with the account, which has nothing but the fleet.
        claimed: The cluster of each slot, once per slot; for a slot without one, any other text.
        left: Clusters that the fleet says it left behind and is about to end.

    Returns:
        ``orphans`` run and are claimed by no slot, ``lost`` are claimed and do not run, ``duplicates`` are claimed by
        several slots, ``stopped`` exist, do not run and are not known to the fleet, ``left`` are known and still there.
    """
    running, stopped = set[str](), set[str]()
    for each in list(emulator.world.clusters.values()):
        (running if each.running else stopped).add(each.id)
    members, ending = {*claimed}, {*left}
    found = {
        "orphans": running - members,
        "lost": members - running,
        "duplicates": {each for each, slots in Counter(claimed).items() if slots > 1},
        "stopped": stopped - members - ending,
        "left": ending & stopped,
    }
    return {kind: sorted(clusters) for kind, clusters in found.items()}
