"""Chance as a hash of (seed, identity): the same for any number of workers, in any order, at any time."""

import hashlib


def draw(seed: int, *identity: str) -> int:
    """A uniform 64-bit integer for this identity under this seed (the first 8 bytes of BLAKE2b)."""
    key = "\0".join((str(seed), *identity)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big")


def uniform(seed: int, *identity: str) -> float:
    """A number in [0, 1) for this identity under this seed."""
    return draw(seed, *identity) / 2**64
