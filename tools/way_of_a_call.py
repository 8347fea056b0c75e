"""The way of a call through the wings, as SVG: what docs/design.md tells in words."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

INK, LOOPS, DEEDS, WIRE = "#787d85", "#8a63d2", "#1f86c9", "#0f9d77"
TOP, LEFT, WIDTH, HEIGHT, GAP = 16, 60, 400, 46, 10
ASIDE, ASIDE_WIDTH, ALL = 540, 180, 740


class Wing(NamedTuple):
    """A box: the folder's name without its underscore, what is in it, and its colour."""

    name: str
    rooms: str
    colour: str


# From the top, as the layers of the import contract stand in pyproject.toml.
WINGS = (
    Wing("cli", "the program tensorone: asks, shows, exits; or your code", INK),
    Wing("client", "address, key, lifetime; run: signals", INK),
    Wing("namespaces", "client.clusters, client.spot, …: one method a call", INK),
    Wing("fleet", "keep a fleet: poll, decide, save, act", LOOPS),
    Wing("spot", "search and bid, within a ceiling and a deadline", LOOPS),
    Wing("recovery · account", "what to do with a stopped cluster · balance", LOOPS),
    Wing("clusters", "rent once, resume once, wait, watch, end", DEEDS),
    Wing("market", "prices, quotes, the next bid", DEEDS),
    Wing("session", "one listing for all; spending; what is rented", DEEDS),
    Wing("graphql", "queue, rate, retry; errors from answers", WIRE),
    Wing("http", "connections, bytes out, bytes back", WIRE),
)
BESIDE = (
    Wing("concurrency", "fan_out, workers, shield", WIRE),
    Wing("rate", "learned rate, gate", WIRE),
    Wing("events", "log, on_event, traces", WIRE),
    Wing("ground", "errors, checks, models", INK),
)


def drawing() -> str:
    """The whole picture."""
    step = HEIGHT + GAP
    first_aside = len(WINGS) - len(BESIDE)
    service = TOP + len(WINGS) * step + 24
    height = service + HEIGHT + TOP
    parts = [_box(LEFT, TOP + at * step, WIDTH, wing) for at, wing in enumerate(WINGS)]
    parts.append(_box(LEFT, service, WIDTH, Wing("the service, or the emulator", "GraphQL over HTTP", INK)))
    parts += [_box(ASIDE, TOP + (first_aside + at) * step, ASIDE_WIDTH, wing) for at, wing in enumerate(BESIDE)]
    parts.append(_text(ASIDE, TOP + first_aside * step - 10, "beside the wings", INK))
    first, last, down, up = TOP + HEIGHT // 2, service + HEIGHT // 2, LEFT - 28, LEFT + WIDTH + 28
    parts.append(_path(f"M{LEFT} {first} H{down} V{last} H{LEFT - 3}"))
    parts.append(_path(f"M{LEFT + WIDTH} {last} H{up} V{first} H{LEFT + WIDTH + 3}"))
    middle = (first + last) // 2
    parts.append(_turned(down - 10, middle, "a call goes down"))
    parts.append(_turned(up + 18, middle, "a typed result, or one error, comes back"))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {ALL} {height}" width="{ALL}" height="{height}"'
        ' font-family="sans-serif" role="img" aria-labelledby="title">'
    )
    title = '<title id="title">The way of a call: down through the wings to the service, and back up</title>'
    tip = (
        '<defs><marker id="tip" markerWidth="9" markerHeight="8" refX="8" refY="4" orient="auto">'
        f'<path d="M0 0 L9 4 L0 8 z" fill="{INK}"/></marker></defs>'
    )
    return "\n".join((head, title, tip, *parts, "</svg>\n"))


def _box(x: int, y: int, width: int, wing: Wing) -> str:
    shape = f'x="{x}" y="{y}" width="{width}" height="{HEIGHT}" rx="6"'
    paint = f'fill="{wing.colour}" fill-opacity="0.1" stroke="{wing.colour}"'
    name = _text(x + 14, y + 19, wing.name, wing.colour, 'font-size="15" font-weight="bold"')
    return f"<rect {shape} {paint}/>{name}{_text(x + 14, y + 37, wing.rooms, INK)}"


def _text(x: int, y: int, words: str, colour: str, style: str = 'font-size="13"') -> str:
    return f'<text x="{x}" y="{y}" {style} fill="{colour}">{escape(words)}</text>'


def _turned(x: int, y: int, words: str) -> str:
    place = f'transform="translate({x} {y}) rotate(-90)" text-anchor="middle"'
    return f'<text {place} font-size="13" fill="{INK}">{escape(words)}</text>'


def _path(line: str) -> str:
    return f'<path d="{line}" fill="none" stroke="{INK}" stroke-width="1.5" marker-end="url(#tip)"/>'
