"""A table in HTML: escaped, in the colours of the page around it, with nothing loaded from anywhere."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .rows import cells

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SHOWN = 20
LONGEST = 300  # letters of a cell
# Only what follows the page: a light and a dark notebook both read it.
CELL = "padding:0.2em 0.8em;text-align:left;vertical-align:top;border-bottom:1px solid rgba(128,128,128,0.3)"
NUMBER = CELL.replace("text-align:left", "text-align:right;font-variant-numeric:tabular-nums")
NOTE = "opacity:0.7;margin:0.3em 0.8em"


def table(items: Sequence[object]) -> str:
    """The first items as a table, those with an error before the others, and how many more there are."""
    if not items:
        return f'<p style="{NOTE}">nothing</p>'
    ordered = sorted(items, key=lambda each: getattr(each, "error", None) is None)
    rows = [cells(each) for each in ordered[:SHOWN]]
    names = list(dict.fromkeys(name for each in rows for name in each))
    names = [name for name in names if any(each.get(name) for each in rows)] or names
    body = "".join(_row("td", [each.get(name, "") for name in names]) for each in rows)
    more = len(items) - len(rows)
    note = f'<p style="{NOTE}">{more} more</p>' if more else ""
    return (
        f'<table style="border-collapse:collapse"><thead>{_row("th", names)}</thead><tbody>{body}</tbody></table>{note}'
    )


def _row(tag: str, texts: Iterable[str]) -> str:
    return "<tr>" + "".join(f'<{tag} style="{_style(each)}">{_shown(each)}</{tag}>' for each in texts) + "</tr>"


def _shown(text: str) -> str:
    """A text that is no markup, fits a cell, and holds nothing that turns the line round or that cannot be sent."""
    short = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    return escape("".join(each if each.isprintable() or each in "\t\n" else "\ufffd" for each in short))


def _style(text: str) -> str:
    return NUMBER if text.replace(".", "", 1).isdigit() else CELL
