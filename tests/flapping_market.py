"""A market that flaps, and all that can go wrong on the way to a server: what fleets are put through in soaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorone.emulator import Emulator, Fault, Host

if TYPE_CHECKING:
    import random

A40, L40S = "NVIDIA A40", "NVIDIA L40S"
RENT, BID, LIST, END, PRICES = "clusterRentInterruptable", "clusterBidResume", "myself", "clusterTerminate", "gpuTypes"

# Of every kind but two. A refusal of a rental in words without a meaning may say that the credit is used up, so that a
# fleet gives such a slot up, and says so. HTTP 429 comes from a limit that comes and goes: a single one would teach the
# client a rate that nobody asks for.
FAULTS = [
    Fault("close", operation=RENT, commit=True),
    Fault("close", operation=BID),
    Fault("close", operation=LIST),
    Fault("reset", operation=RENT, commit=True),
    Fault("commit_late", operation=RENT, seconds=0.7),
    Fault("commit_late", operation=BID, seconds=0.7),
    Fault("listing_lag", operation=RENT, seconds=0.8),
    Fault("delay", operation=LIST, seconds=0.3),
    Fault("delay", operation=RENT, seconds=0.3),
    Fault("hang", operation=RENT, commit=True),
    Fault("truncate", operation=RENT),
    Fault("refuse", seconds=0.1),
    Fault("bad_gateway", operation=RENT, commit=True),
    Fault("bad_gateway", operation=LIST),
    Fault("server_error", operation=RENT),
    Fault("internal_error", operation=BID),
    Fault("graphql_error", operation=END),
    Fault("graphql_error", operation=LIST),
    Fault("garbage", operation=RENT),
    Fault("data_with_errors", operation=RENT),
    Fault("null", operation=RENT),
    Fault("null", operation=LIST),
    Fault("unknown_enum", operation=LIST),
    Fault("extra_field", operation=LIST),
]


def emulator(seed: int, count: int) -> Emulator:
    """A server whose account is empty, with room for so many clusters of either GPU type."""
    hosts = [
        Host(machine_id=f"{name[-3:].lower()}{number}", gpu_type_id=name, cloud="SECURE")
        for name in (A40, L40S)
        for number in range(max(16, count // 5))
    ]
    return Emulator(seed=seed, first_clusters=False, boot="at-once", hosts=hosts, balance="1000000")


def calm(emulator: Emulator) -> None:
    """No faults any more, low prices, free machines."""
    emulator.faults.clear()
    emulator.rate_limit(None)
    emulator.world.set_minimum_bid(A40, "0.2")
    emulator.world.set_minimum_bid(L40S, "0.25")
    for host in emulator.world.hosts:
        emulator.world.occupy(host.machine_id, 0)


def flap(emulator: Emulator, draw: random.Random, *, losses: int = 1) -> None:
    """Some clusters are preempted or lost, prices move, now and then beyond the ceiling of 0.4, or something fails."""
    world = emulator.world
    for _ in range(losses):
        running = [each for each in list(world.clusters.values()) if each.running]
        if running and draw.random() < 0.5:
            world.preempt(draw.choice(running).id)
        elif running and draw.random() < 0.3:
            world.terminate(draw.choice(running).id)
    world.set_minimum_bid(A40, draw.choice(["0.2", "0.25", "0.3", "0.6"]))
    world.set_minimum_bid(L40S, draw.choice(["0.25", "0.3", "0.35", "0.6"]))
    if draw.random() < 0.4:
        emulator.faults.add(draw.choice(FAULTS))
    if draw.random() < 0.1:
        emulator.rate_limit(draw.choice([None, 50.0 * losses]))
