"""The KV cache as vLLM keeps it: a fixed number of blocks, shared by prefix, freed in LRU order."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

    from simulator.serving.generation import Generation

__all__ = ["BlockPool"]

UNLIMITED = 1 << 60


class BlockPool:
    """`total` blocks of `block_size` tokens, with prefix caching when asked for.

    A part of a prompt that may be shared (a *unit*) is cached under the chain of keys up to it,
    so that a unit matches only behind the same beginning. Blocks of finished requests stay
    cached until their space is needed, least recently used first and the end of a prompt
    before its beginning (vLLM frees a request's blocks in reverse). Generated tokens occupy
    their place in that order and are matched again by a prompt that continues the conversation.

    `total` None is a cache without limit. Invariant: used + free = total, and the cached but
    unused blocks are among the free ones.
    """

    __slots__ = (
        "_idle",
        "_idle_blocks",
        "_serial",
        "_units",
        "block_size",
        "caching",
        "free",
        "hit_tokens",
        "in_use",
        "seen_tokens",
        "total",
    )

    def __init__(self, total: int | None, block_size: int = 16, *, caching: bool = False) -> None:
        assert total is None or total > 0, "at least one block"
        assert block_size > 0, "a block holds at least one token"
        self.total = UNLIMITED if total is None else total
        self.block_size = block_size
        self.caching = caching
        self.free = self.total
        # Blocks of cached units that some request uses.
        self.in_use = 0
        self.hit_tokens = 0
        self.seen_tokens = 0
        self._serial = 0
        # Cached units: chain -> [blocks, requests using them]. Unused ones, oldest first, with
        # the blocks freed without a name: key -> blocks.
        self._units: dict[Hashable, list[int]] = {}
        self._idle: OrderedDict[Hashable, int] = OrderedDict()
        self._idle_blocks = 0

    def needed(self, tokens: int) -> int:
        """Return the blocks that `tokens` occupy."""
        return -(-tokens // self.block_size)

    @property
    def used(self) -> int:
        """Blocks that requests hold now (cached but unused blocks are free)."""
        return self.total - self.free

    def match(self, request: Generation) -> tuple[int, int, int]:
        """Return the cached units of the prompt, the tokens cached, and the unused blocks in them.

        What a preempted request left behind counts too. The last token is always computed, so
        a fully cached prompt matches one block less.
        """
        if not self.caching or not (request.prefix or request.kept):
            return 0, 0, 0
        blocks = units = idle = 0
        for chain, end, size in self._chain(request):
            unit = self._units.get(chain)
            if unit is None:
                break
            units += 1
            if unit[1] == 0:
                idle += unit[0]
            blocks += unit[0]
            if unit[0] < size or end >= request.tokens:
                break
        if request.kept and request.kept[1] == units:
            kept = self._idle.get(request.kept[0], 0)
            blocks += kept
            idle += kept
        limit = (request.tokens - 1) // self.block_size
        return units, min(blocks, limit) * self.block_size, idle

    def take_cached(self, request: Generation, units: int) -> None:
        """Let `request` use the first `units` cached units of its prompt and what it left."""
        for chain, _, _ in self._chain(request)[:units]:
            unit = self._units[chain]
            if unit[1] == 0 and self.total != UNLIMITED:
                self._idle_blocks -= self._idle.pop(chain)
            if unit[1] == 0:
                self.free -= unit[0]
                self.in_use += unit[0]
            unit[1] += 1
            request.shared.append(chain)
            request.shared_blocks += unit[0]
        request.units = units
        if request.kept and request.kept[1] == units and request.kept[0] in self._idle:
            kept = self._idle.pop(request.kept[0])
            self._idle_blocks -= kept
            self.free -= kept
            request.private_blocks += kept
        request.kept = None

    def take(self, blocks: int) -> None:
        """Take `blocks` free blocks, dropping the oldest cached contents if need be."""
        assert 0 <= blocks <= self.free, "more KV blocks taken than are free"
        self.free -= blocks
        excess = self._idle_blocks - self.free
        if excess <= 0:
            return
        self._idle_blocks = self.free
        idle, units = self._idle, self._units
        while excess:
            chain = next(iter(idle))
            held = idle[chain]
            if held > excess:
                idle[chain] = held - excess
                if chain in units:
                    units[chain][0] -= excess
                return
            excess -= held
            del idle[chain]
            units.pop(chain, None)

    def register(self, request: Generation, computed: int) -> None:
        """Make the units in the first `computed` tokens of `request` available to others."""
        chain = self._chain(request)
        while request.units < len(chain):
            key, end, blocks = chain[request.units]
            if end > computed:
                return
            if blocks and key not in self._units and blocks <= request.private_blocks:
                self._units[key] = [blocks, 1]
                self.in_use += blocks
                request.private_blocks -= blocks
                request.shared_blocks += blocks
                request.shared.append(key)
            request.units += 1

    def keep_answer(self, request: Generation) -> None:
        """Make what `request` has generated available to a prompt that contains it.

        The last token has no keys and values yet. The part that the end of the prompt cut short
        becomes a whole one, unless another request uses it as it is.
        """
        known = request.tokens - 1
        key: Hashable = None
        end = 0
        for part, tokens in request.prefix:
            before, start, end = key, end, end + tokens
            if end > known:
                return
            key = hash((key, part, end))
            if end <= request.prompt:
                continue
            if start < request.prompt:
                cut = hash((before, part, request.prompt))
                if cut in request.shared:
                    if self._units[cut][1] > 1:
                        return
                    blocks = self._units.pop(cut)[0]
                    self.in_use -= blocks
                    request.shared.remove(cut)
                    request.shared_blocks -= blocks
                    request.private_blocks += blocks
            blocks = end // self.block_size - start // self.block_size
            if key in self._units or blocks > request.private_blocks:
                return
            self._units[key] = [blocks, 1]
            self.in_use += blocks
            request.private_blocks -= blocks
            request.shared_blocks += blocks
            request.shared.append(key)

    def give_back(self, request: Generation, *, keep: bool = False) -> None:
        """Free everything `request` holds; its shared units stay cached.

        With `keep` (a preemption) its own full blocks can be found again while they last.
        """
        limited = self.total != UNLIMITED
        freed = request.private_blocks
        assert freed >= 0, "a request holds fewer KV blocks than none"
        if freed:
            self.free += freed
            if self.caching and limited:
                self._serial += 1
                key = ("own", self._serial)
                full = request.computed // self.block_size - request.shared_blocks
                if keep and 0 < full <= freed:
                    request.kept = (key, request.units)
                    freed = full
                self._idle[key] = freed
                self._idle_blocks += freed
        for chain in reversed(request.shared):
            unit = self._units[chain]
            unit[1] -= 1
            assert unit[1] >= 0, "a KV block was freed twice"
            if unit[1] == 0:
                self.free += unit[0]
                self.in_use -= unit[0]
                if limited:
                    self._idle[chain] = unit[0]
                    self._idle_blocks += unit[0]
        request.shared.clear()
        request.private_blocks = 0
        request.shared_blocks = 0
        request.units = 0
        assert self._idle_blocks <= self.free <= self.total, "more KV blocks freed than exist"

    def shared_in_use(self) -> int:
        """Return the blocks of cached units that some request uses."""
        return sum(blocks for blocks, users in self._units.values() if users)

    def forget(self) -> None:
        """Drop all cached contents that no request uses (a restart, a flush)."""
        self._units = {key: unit for key, unit in self._units.items() if unit[1]}
        self._idle.clear()
        self._idle_blocks = 0

    def _chain(self, request: Generation) -> list[tuple[Hashable, int, int]]:
        """Return (chain key, tokens up to its end, full blocks) of each unit of the prompt."""
        if request.chain is None:
            key: Hashable = None
            end = 0
            request.chain = []
            for part, tokens in request.prefix:
                if end >= request.prompt:
                    break
                start, end = end, min(end + tokens, request.prompt)
                # A part cut short by a short prompt is another part.
                key = hash((key, part, end))
                blocks = end // self.block_size - start // self.block_size
                request.chain.append((key, end, blocks))
        return request.chain
