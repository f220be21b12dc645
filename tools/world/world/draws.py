"""Random numbers by hashing: what is drawn depends on its key alone, not on what was drawn before."""

import hashlib
import struct

_UNPACK = struct.Struct("<8Q").unpack


class Draws:
    """A stream of draws named by a key, such as (seed, "samples", index)."""

    __slots__ = ("_key", "_block", "_left")

    def __init__(self, *key):
        self._key = b"\0".join(str(part).encode() for part in key)
        self._block = 0
        self._left: list[int] = []

    def child(self, *key) -> "Draws":
        """A stream of its own, so that more draws here change nothing there."""
        return Draws(self._key.hex(), *key)

    def bits(self) -> int:
        """64 random bits."""
        if not self._left:
            digest = hashlib.blake2b(self._key + self._block.to_bytes(8, "little")).digest()
            self._block += 1
            self._left = list(_UNPACK(digest))
        return self._left.pop()

    def below(self, count: int) -> int:
        """A whole number from 0 to count - 1."""
        return self.bits() * count >> 64

    def between(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + self.below(high - low + 1)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        return low + (high - low) * ((self.bits() >> 11) * 2.0**-53)

    def chance(self, probability: float) -> bool:
        return self.uniform() < probability

    def pick(self, values):
        return values[self.below(len(values))]

    def weighted(self, weights: dict):
        """A key of `weights`, as likely as its share."""
        at = self.uniform(0.0, sum(weights.values()))
        for value, weight in weights.items():
            at -= weight
            if at < 0:
                return value
        return value

    def some(self, values, count: int) -> list:
        """`count` different values in random order."""
        rest = list(values)
        return [rest.pop(self.below(len(rest))) for _ in range(count)]
