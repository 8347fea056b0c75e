"""A picture of a fleet or a search: what the market asked, what was bid, what ran when, and what it cost.

Needs the extra ``plot``: ``pip install "tensorone[plot]"``. It draws what it is given, and sends nothing.
"""

from __future__ import annotations

from ._spans import Span, spans

try:
    from ._timeline import timeline
except ImportError as error:
    raise ImportError('tensorone.plot needs matplotlib: pip install "tensorone[plot]"') from error

__all__ = ["Span", "spans", "timeline"]
