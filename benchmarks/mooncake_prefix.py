"""Replays the Mooncake conversation trace through an unlimited prefix cache.

    python benchmarks/mooncake_prefix.py

Prints the share of prompt blocks (512 tokens each, as hashed in the trace) that were seen before.
Counted directly from the trace it is 36.6 %; the engine must find the same blocks when requests
are served one after the other.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from simulator.serving.blocks import BlockPool
from simulator.serving.generation import Generation

TRACE = Path(__file__).parents[1] / "data" / "mooncake" / "conversation_trace.jsonl.gz"
BLOCK_TOKENS = 512


def read() -> list[dict[str, Any]]:
    """Return the rows of the trace."""
    with gzip.open(TRACE, "rt") as file:
        return [json.loads(line) for line in file]


def direct() -> float:
    """Return the hit ratio counted with a set of block hashes."""
    seen: set[int] = set()
    hits = total = 0
    for row in read():
        hashes = row["hash_ids"]
        total += len(hashes)
        hits += sum(block in seen for block in hashes)
        seen.update(hashes)
    return hits / total


def through_pool() -> float:
    """Return the hit ratio of the prefix cache, blocks of 16 tokens, no limit."""
    pool = BlockPool(None, 16, caching=True)
    hits = total = 0
    for row in read():
        hashes = row["hash_ids"]
        request = Generation(
            BLOCK_TOKENS * len(hashes) + 1,
            max(1, row["output_length"]),
            prefix=tuple((block, BLOCK_TOKENS) for block in hashes),
        )
        units, tokens, _ = pool.match(request)
        pool.take_cached(request, units)
        request.private_blocks = pool.needed(request.prompt) - request.shared_blocks
        pool.take(request.private_blocks)
        pool.register(request, request.prompt)
        pool.give_back(request)
        hits += tokens // BLOCK_TOKENS
        total += len(hashes)
    return hits / total


if __name__ == "__main__":
    print(f"block hit ratio: {direct():.2%} counted directly, {through_pool():.2%} by the cache")
