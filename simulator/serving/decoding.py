"""The sequences that decode: what a jump over many steps needs to know about them, in O(1).

Every decoding sequence advances by the same number of tokens in a step, so its KV length is
`base + stride * step` with a `base` that never changes. Sums, the longest sequence, the next
to finish and the demand for KV blocks follow without touching the sequences one by one.
"""

from __future__ import annotations

from heapq import heappop, heappush
from math import ceil
from operator import mul
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.serving.generation import Generation

__all__ = ["DecodeSet"]

ROUNDING = 1e-9


class DecodeSet:
    """The decoding sequences at step counter `step`; `stride` tokens a step (1 without drafts)."""

    __slots__ = (
        "_base_sum",
        "_block_size",
        "_finishing",
        "_longest",
        "_members",
        "_phases",
        "_serial",
        "_slack",
        "count",
        "shared_blocks",
        "step",
        "stride",
    )

    def __init__(self, block_size: int, stride: float = 1.0) -> None:
        self.count = 0
        self.step = 0
        self.stride: float = int(stride) if stride == int(stride) else stride
        self._block_size = block_size
        self._base_sum = 0.0
        self.shared_blocks = 0
        # Empty places in the last block of a sequence, by its phase, for each step.
        tail = range(block_size)
        self._slack = [[(phase - step) % block_size for phase in tail] for step in tail]
        # Sequences by the step (modulo the block size) at which they need a new block.
        self._phases = [0] * block_size
        self._finishing: list[tuple[int, int, Generation]] = []
        self._longest: list[tuple[float, int, Generation]] = []
        self._members: dict[Generation, None] = {}
        self._serial = 0

    def add(self, request: Generation) -> None:
        """Let `request` decode from the next step on; its KV then is one token longer."""
        stride = self.stride
        request.state = "decode"
        request.joined = self.step
        request.base = request.computed + 1 - stride * self.step
        request.finish_step = self.step + ceil((request.output - request.generated) / stride)
        self._serial = request.ticket = serial = self._serial + 1
        heappush(self._finishing, (request.finish_step, serial, request))
        heappush(self._longest, (-request.base, serial, request))
        self.count += 1
        self.shared_blocks += request.shared_blocks
        self._base_sum += request.base
        if stride == 1:
            self._phases[int(1 - request.base) % self._block_size] += 1
        else:
            self._members[request] = None

    def remove(self, request: Generation) -> None:
        """Take `request` out; its counters show what has been computed up to now."""
        stride = self.stride
        remaining = (request.finish_step - self.step) * stride
        request.generated = min(request.output, max(1, round(request.output - remaining)))
        request.computed = request.prompt + request.generated - 1
        request.state = "left"
        request.ticket = 0
        self.count -= 1
        self.shared_blocks -= request.shared_blocks
        self._base_sum -= request.base
        if stride == 1:
            self._phases[int(1 - request.base) % self._block_size] -= 1
        else:
            del self._members[request]
        if self.count == 0:
            self._base_sum = 0.0
            self._finishing.clear()
            self._longest.clear()

    def blocks_of(self, request: Generation) -> int:
        """Return the blocks `request` has filled up to the last step."""
        return -(-self._kv_after(request, self.step) // self._block_size)

    def blocks(self) -> int:
        """Return the blocks all sequences have filled up to the last step, shared ones each.

        A sum of rounded-up quotients: tokens and the empty places behind them, over the size.
        """
        if self.stride != 1:
            return sum(map(self.blocks_of, self._members))
        size = self._block_size
        tokens = self._base_sum + self.count * (self.step - 1)
        empty = sum(map(mul, self._phases, self._slack[self.step % size]))
        return int(tokens + empty) // size

    def _kv_after(self, request: Generation, step: int) -> int:
        """Return the tokens in the KV cache when `step` steps have been done."""
        grown = ceil((step - request.joined) * self.stride - ROUNDING)
        return min(request.computed + grown, request.prompt + request.output)

    def finished(self) -> list[Generation]:
        """Remove and return the sequences whose last token exists now."""
        heap = self._finishing
        result = []
        while heap and heap[0][0] <= self.step:
            _, serial, request = heappop(heap)
            if request.ticket == serial:
                result.append(request)
        return result

    def steps_left(self) -> int:
        """Return the steps until the next sequence finishes."""
        heap = self._finishing
        while heap[0][2].ticket != heap[0][1]:
            heappop(heap)
        return heap[0][0] - self.step

    def kv(self) -> tuple[float, float]:
        """Return the mean and the largest KV length in the next step."""
        heap = self._longest
        while heap[0][2].ticket != heap[0][1]:
            heappop(heap)
        passed = self.stride * self.step
        return self._base_sum / self.count + passed, passed - heap[0][0]

    def growth(self, steps: int) -> int:
        """Return the new KV blocks that the next `steps` steps need."""
        size = self._block_size
        if self.stride != 1:
            return self._growth_by_member(steps)
        blocks = self.count * (steps // size)
        at = self.step
        phases = self._phases
        for ahead in range(at, at + steps % size):
            blocks += phases[ahead % size]
        return blocks

    def steps_within(self, free: int, wanted: int) -> int:
        """Return how many of the `wanted` steps `free` blocks are enough for."""
        size = self._block_size
        if self.count * (wanted // size + 1) <= free:
            return wanted
        if self.stride != 1:
            low, high = 0, wanted
            while low < high:
                middle = (low + high + 1) // 2
                low, high = (middle, high) if self.growth(middle) <= free else (low, middle - 1)
            return low
        rounds = free // self.count
        left = free - rounds * self.count
        steps = rounds * size
        while steps < wanted and self._phases[(self.step + steps) % size] <= left:
            left -= self._phases[(self.step + steps) % size]
            steps += 1
        return min(steps, wanted)

    def _growth_by_member(self, steps: int) -> int:
        size = self._block_size
        blocks = 0
        for request in self._members:
            after = self._kv_after(request, self.step + steps)
            blocks += -(-after // size) - -(-self._kv_after(request, self.step) // size)
        return blocks
