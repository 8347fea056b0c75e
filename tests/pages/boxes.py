"""Drawings of boxes and arrows, as SVG without a background, in tones that are readable on white and on black."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

INK, VIOLET, BLUE, GREEN, ORANGE = "#787d85", "#8a63d2", "#1f86c9", "#0f9d77", "#d0662b"
HEIGHT = 46  # of a box


class Box(NamedTuple):
    """A box: its name, a line below it, its colour."""

    name: str
    words: str
    colour: str


def picture(title: str, width: int, height: int, parts: list[str]) -> str:
    """The file: what a screen reader says of it, and its parts."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' font-family="sans-serif" role="img" aria-labelledby="title">'
    )
    tip = (
        '<defs><marker id="tip" markerWidth="9" markerHeight="8" refX="8" refY="4" orient="auto">'
        f'<path d="M0 0 L9 4 L0 8 z" fill="{INK}"/></marker></defs>'
    )
    return "\n".join((head, f'<title id="title">{escape(title)}</title>', tip, *parts, "</svg>\n"))


def box(x: int, y: int, width: int, what: Box) -> str:
    """A box with its top left corner there."""
    shape = f'x="{x}" y="{y}" width="{width}" height="{HEIGHT}" rx="6"'
    paint = f'fill="{what.colour}" fill-opacity="0.1" stroke="{what.colour}"'
    name = text(x + 14, y + 19, what.name, what.colour, 'font-size="15" font-weight="bold"')
    return f"<rect {shape} {paint}/>{name}{text(x + 14, y + 37, what.words)}"


def text(x: int, y: int, words: str, colour: str = INK, style: str = 'font-size="13"') -> str:
    """Words that begin there."""
    return f'<text x="{x}" y="{y}" {style} fill="{colour}">{escape(words)}</text>'


def turned(x: int, y: int, words: str) -> str:
    """Words that are read upwards, around that point."""
    place = f'transform="translate({x} {y}) rotate(-90)" text-anchor="middle"'
    return f'<text {place} font-size="13" fill="{INK}">{escape(words)}</text>'


def arrow(line: str) -> str:
    """A path with a tip at its end."""
    return f'<path d="{line}" fill="none" stroke="{INK}" stroke-width="1.5" marker-end="url(#tip)"/>'
