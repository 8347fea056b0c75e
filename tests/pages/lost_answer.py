"""What becomes of a rental, also when its answer is lost, as SVG: what docs/reliability.md promises."""

from __future__ import annotations

from boxes import BLUE, GREEN, INK, ORANGE, VIOLET, Box, arrow, box, picture, text

SENT = Box("deploy, rent", "one request, with a token in the environment", BLUE)
ANSWERED = Box("answered", "the cluster: billed from now on", GREEN)
REFUSED = Box("refused", "an error: nothing is billed", ORANGE)
LOST = Box("no answer", "it may have happened", VIOLET)
LOOK = Box("look for the token", "in the account's listing, for settle_time", VIOLET)
ADOPTED = Box("found: adopted", "returned as if answered", GREEN)
UNKNOWN = Box("not found: OutcomeUnknown", "perhaps billed; the error has the token", ORANGE)
LATER = Box("later: find, or the same call again", "with the token: adopted if there, else rented", GREEN)


def drawing() -> str:
    """The whole picture."""
    parts = [
        box(200, 16, 340, SENT),
        *(arrow(f"M370 62 V84 H{x} V106") for x in (120, 370, 620)),
        box(10, 109, 225, ANSWERED),
        box(257, 109, 225, REFUSED),
        box(505, 109, 225, LOST),
        arrow("M620 155 V195"),
        box(420, 198, 310, LOOK),
        *(arrow(f"M575 244 V266 H{x} V288") for x in (180, 575)),
        box(70, 291, 225, ADOPTED),
        box(420, 291, 310, UNKNOWN),
        arrow("M575 337 V377"),
        box(420, 380, 310, LATER),
        text(14, 410, "A cancelled call takes the same way,", INK),
        text(14, 428, "and then ends what it found.", INK),
    ]
    return picture("What becomes of a rental: answered, refused, or looked for by its token", 740, 442, parts)
