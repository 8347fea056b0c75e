"""The way of a call through the wings, as SVG: what docs/design.md tells in words."""

from __future__ import annotations

from boxes import BLUE, GREEN, HEIGHT, INK, VIOLET, Box, arrow, box, picture, text, turned

LOOPS, DEEDS, WIRE = VIOLET, BLUE, GREEN
TOP, LEFT, WIDTH, GAP = 16, 60, 400, 10
ASIDE, ASIDE_WIDTH, ALL = 540, 180, 740

# From the top, as the layers of the import contract stand in pyproject.toml.
WINGS = (
    Box("cli", "the program tensorone: asks, shows, exits; or your code", INK),
    Box("client", "address, key, lifetime; run: signals", INK),
    Box("namespaces", "client.clusters, client.spot, …: one method a call", INK),
    Box("fleet", "keep a fleet: poll, decide, save, act", LOOPS),
    Box("spot", "search and bid, within a ceiling and a deadline", LOOPS),
    Box("recovery · account", "what to do with a stopped cluster · balance", LOOPS),
    Box("clusters", "rent once, resume once, wait, watch, end", DEEDS),
    Box("market", "prices, quotes, the next bid", DEEDS),
    Box("session", "one listing for all; spending; what is rented", DEEDS),
    Box("graphql", "queue, rate, retry; errors from answers", WIRE),
    Box("http", "connections, bytes out, bytes back", WIRE),
)
BESIDE = (
    Box("concurrency", "fan_out, workers, shield", WIRE),
    Box("rate", "learned rate, gate", WIRE),
    Box("events", "log, on_event, traces", WIRE),
    Box("ground", "errors, checks, models", INK),
)


def drawing() -> str:
    """The whole picture."""
    step = HEIGHT + GAP
    first_aside = len(WINGS) - len(BESIDE)
    service = TOP + len(WINGS) * step + 24
    height = service + HEIGHT + TOP
    parts = [box(LEFT, TOP + at * step, WIDTH, wing) for at, wing in enumerate(WINGS)]
    parts.append(box(LEFT, service, WIDTH, Box("the service, or the emulator", "GraphQL over HTTP", INK)))
    parts += [box(ASIDE, TOP + (first_aside + at) * step, ASIDE_WIDTH, wing) for at, wing in enumerate(BESIDE)]
    parts.append(text(ASIDE, TOP + first_aside * step - 10, "beside the wings"))
    first, last, down, up = TOP + HEIGHT // 2, service + HEIGHT // 2, LEFT - 28, LEFT + WIDTH + 28
    parts.append(arrow(f"M{LEFT} {first} H{down} V{last} H{LEFT - 3}"))
    parts.append(arrow(f"M{LEFT + WIDTH} {last} H{up} V{first} H{LEFT + WIDTH + 3}"))
    middle = (first + last) // 2
    parts.append(turned(down - 10, middle, "a call goes down"))
    parts.append(turned(up + 18, middle, "a typed result, or one error, comes back"))
    title = "The way of a call: down through the wings to the service, and back up"
    return picture(title, ALL, height, parts)
