"""Spreading keys over shards and partitions."""

from hashlib import blake2b


def bucket_of(key: object, buckets: int) -> int:
    """The shard or partition of a key, the same in every run.

    A cryptographic hash stands in for murmur and its like. A checksum such as CRC-32 would not
    do: it is linear, so keys that differ in their last digits spread far more evenly than
    independent ones, and the hottest shard would look cooler than it is.
    """
    digest = blake2b(str(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") % buckets
