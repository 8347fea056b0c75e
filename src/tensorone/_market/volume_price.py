"""What the volume of a stopped cluster costs."""

from __future__ import annotations

from decimal import Decimal

STOPPED_VOLUME_PER_GB_MONTH = Decimal("0.20")
"""US dollars; the sibling service's published rate for the volume of a stopped cluster. Tensor One's is not known."""
