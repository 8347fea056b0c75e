"""API keys and their rights."""

from __future__ import annotations

import random
import secrets
import string
from dataclasses import dataclass

from tensorone.emulator._graphql.resolvers import Right

READ = frozenset[Right]({"query"})


READ_AND_WRITE = frozenset[Right]({"query", "mutation"})


PREFIX, LENGTH = "tpo_test_", 36


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """The valid keys.

    Attributes:
        full: Reads and writes.
        read_only: Reads; every mutation is unauthorised.
        powerless: Valid, without any right.
    """

    full: str
    read_only: str
    powerless: str

    @classmethod
    def new(cls, seed: int, full: str | None) -> Keys:
        """Keys drawn from a seed, in the service's format."""
        rng = random.Random(f"keys/{seed}")  # noqa: S311 - keys of an emulator on loopback
        return cls(full or _key(rng), _key(rng), _key(rng))

    def rights(self, key: str) -> frozenset[Right] | None:
        """The rights of a key; None if the key is unknown."""
        known = ((self.full, READ_AND_WRITE), (self.read_only, READ), (self.powerless, frozenset[Right]()))
        return next((rights for each, rights in known if secrets.compare_digest(each.encode(), key.encode())), None)


def _key(rng: random.Random) -> str:
    return PREFIX + "".join(rng.choices(string.ascii_letters + string.digits, k=LENGTH))
