"""Which requests a step serves: admission, prompt chunks, KV blocks and preemption.

The scheduling half of the engine, after vLLM's `v1/core/sched/scheduler.py` (read at 0.19):

- each step first serves running sequences (decodes, then unfinished prompts), then admits waiting
  ones, within `max_num_batched_tokens` and `max_num_seqs`, prompts in chunks;
- a waiting request is admitted only if its whole known sequence fits the free KV blocks;
- when blocks run out the last running request (with `priority`: the least important) is preempted:
  its blocks are freed and its tokens recomputed later, it waits at the head of the queue.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from simulator.serving.blocks import BlockPool
from simulator.serving.decoding import DecodeSet
from simulator.serving.errors import DoesNotFit
from simulator.serving.generation import FINISHED, FIRST_TOKEN, PREEMPTED

if TYPE_CHECKING:
    from simulator.serving.generation import Event, Generation
    from simulator.serving.settings import EngineConfig

__all__ = ["Batch"]

AUDIT_EVERY = 16
"""Changes of the batch from one count of all KV blocks to the next: a few percent of the time."""


class Batch:
    """The waiting and running requests of one engine and the KV blocks they hold.

    `chunks` are the requests whose prompts the planned step computes (`request.chunk` tokens
    each). `blocked` says that the head of the queue waits for a slot or for blocks, so that
    nothing changes before a sequence leaves.
    """

    __slots__ = (
        "_changes",
        "_order",
        "_prefilling",
        "_reserved",
        "_waiting",
        "blocked",
        "chunks",
        "config",
        "decoding",
        "leaving",
        "pool",
        "preemptions",
        "prompt_tokens",
        "running",
        "tokens_each",
        "waiting_count",
    )

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        self.pool = BlockPool(
            config.num_gpu_blocks, config.block_size, caching=config.prefix_caching
        )
        self.decoding = DecodeSet(config.block_size, config.tokens_per_step)
        self.tokens_each = 1 + config.draft_tokens
        self.running: dict[Generation, None] = {}
        self.chunks: list[Generation] = []
        # Sequences that ended in the last step: their slots and blocks are free one step later.
        self.leaving: list[Generation] = []
        self.blocked = False
        self.waiting_count = 0
        self.preemptions = 0
        self.prompt_tokens = 0
        self._order = self._changes = 0
        self._waiting: list[tuple[int, int, Generation]] = []
        self._prefilling: list[Generation] = []
        self._reserved = 0

    def check(self, prompt: int, output: int) -> None:
        """Raise `DoesNotFit` if a request of this length can never be held by the KV cache."""
        pool = self.pool
        needed = pool.needed(prompt + output)
        if needed > pool.total:
            raise DoesNotFit(
                f"a context of {prompt} + {output} tokens needs {needed} KV blocks of "
                f"{pool.block_size} tokens; the GPU memory holds {pool.total} "
                f"({pool.total * pool.block_size} tokens), {needed - pool.total} too few",
                fields=("num_gpu_blocks", "gpu_memory_utilization", "model"),
            )
        if not self.config.chunked_prefill and prompt > self.config.max_num_batched_tokens:
            raise DoesNotFit(
                f"a prompt of {prompt} tokens exceeds max_num_batched_tokens "
                f"{self.config.max_num_batched_tokens} and chunked prefill is off"
            )

    def add(self, request: Generation) -> bool:
        """Queue `request`; return whether it now is the head of the queue."""
        request.state = "waiting"
        self._order += 1
        request.order = self._order
        rank = request.priority if self.config.priority else 0
        heappush(self._waiting, (rank, self._order, request))
        self.waiting_count += 1
        return self._waiting[0][2] is request

    def withdraw(self, request: Generation) -> None:
        """Take a waiting `request` out of the queue."""
        request.state = "cancelled"
        self.waiting_count -= 1
        self.blocked = False

    # ---------------------------------------------------------------- what a step did

    def complete(self, steps: int, end: float, events: list[Event]) -> None:
        """Account for `steps` steps that ended at `end`."""
        decoding = self.decoding
        if self.leaving:
            self.let_go()
        if not self.chunks:
            self.pool.take(decoding.growth(steps))
        decoding.step += steps
        for request in decoding.finished():
            self._finish(request, end, events)
        for request in self.chunks:
            self._computed(request, end, events)
        self.chunks.clear()
        self._changes += 1
        if self._changes >= AUDIT_EVERY or not decoding.count:
            # A block that is lost or freed twice stays so: a later look finds it as well.
            self._changes = 0
            assert self.conserved(), "KV blocks are not conserved"

    def conserved(self) -> bool:
        """Whether the used blocks are those that requests hold, without a look at each of them.

        Counted from lengths and from the cached units in use, not from what was taken and freed.
        """
        held = self.pool.in_use + self.decoding.blocks() - self.decoding.shared_blocks
        for request in self._prefilling:
            held += request.private_blocks
        for request in self.leaving:
            held += request.private_blocks
        return held == self.pool.used

    def _computed(self, request: Generation, end: float, events: list[Event]) -> None:
        """Account for the prompt chunk that `request` just computed."""
        request.computed += request.chunk
        request.chunk = 0
        if request.computed < request.tokens:
            return
        self._prefilling.remove(request)
        request.generated += 1
        if request.first_token_s is None:
            request.first_token_s = end
            events.append((end, FIRST_TOKEN, request))
        if request.generated >= request.output:
            self._finish(request, end, events)
        else:
            self.decoding.add(request)

    def _finish(self, request: Generation, end: float, events: list[Event]) -> None:
        if request.state == "decode":
            self._stop_decoding(request)
        request.finished_s = end
        request.state = "leaving"
        self.leaving.append(request)
        events.append((end, FINISHED, request))

    def _stop_decoding(self, request: Generation) -> None:
        """Book the blocks that decoding has filled onto `request` and take it out."""
        request.private_blocks = self.decoding.blocks_of(request) - request.shared_blocks
        self.decoding.remove(request)

    def leave(self, request: Generation, *, keep: bool = False) -> None:
        """Take a running `request` out of the batch and free its blocks (see `give_back`)."""
        if request.chunk:
            self.chunks.remove(request)
            request.chunk = 0
        if request.state == "decode":
            self._stop_decoding(request)
        else:
            self._prefilling.remove(request)
        del self.running[request]
        self.pool.give_back(request, keep=keep)
        self.blocked = False

    def let_go(self) -> None:
        """Free the slots and blocks of the sequences that have finished."""
        for request in self.leaving:
            del self.running[request]
            if request.continues and self.pool.caching:
                self.pool.keep_answer(request)
            self.pool.give_back(request)
            request.state = "done"
        self.leaving.clear()
        self.blocked = False

    def lose(self) -> list[Generation]:
        """Drop everything, KV included, and return the requests that have not finished."""
        waiting = [entry[2] for entry in sorted(self._waiting) if entry[2].state == "waiting"]
        self.let_go()
        if self.chunks:
            # Taken for the tokens that this step would have generated beside the chunks.
            self.pool.free += self.decoding.growth(1)
        running = list(self.running)
        for request in running:
            self.leave(request)
        assert self.conserved() and self.pool.used == 0, "KV blocks are not conserved"
        for request in running + waiting:
            request.state = "new"
            request.computed = 0
            request.prefilled = False
            request.kept = None
        self.pool.forget()
        self._waiting.clear()
        self.waiting_count = 0
        return running + waiting

    # ---------------------------------------------------------------- what the next step does

    def plan(self, now: float, since: float, events: list[Event]) -> int:
        """Decide the next step at `now` and return for how many steps it stays the same.

        Waiting requests that arrived after `since` are not seen yet. 0: there is nothing to do.
        """
        decoding = self.decoding
        pool = self.pool
        if self.leaving and (
            not self.config.lookahead
            or not self.waiting_count
            or len(self.running) == len(self.leaving)
        ):
            self.let_go()
        preempted = False
        while decoding.count and decoding.growth(1) > pool.free:
            self._preempt(now, events)
            preempted = True
        if self._prefilling or self.waiting_count:
            budget = self.config.max_num_batched_tokens - decoding.count * self.tokens_each
            self._reserved = decoding.growth(1)
            pool.take(self._reserved)
            if self._prefilling:
                budget, lost = self._continue(budget, now, events)
                preempted = preempted or lost
            if self.waiting_count and not preempted:
                self._admit(budget, now, since)
            if self.chunks:
                self._reserved = 0
                return 1
            pool.free += self._reserved
            self._reserved = 0
        if not decoding.count:
            return 0
        steps = min(decoding.steps_left(), self.config.jump_steps_max)
        if self.waiting_count and (self.leaving or not self.blocked):
            steps = 1
        steps = decoding.steps_within(pool.free, steps)
        assert steps >= 1, "a decode step without room for its tokens"
        return steps

    def _continue(self, budget: int, now: float, events: list[Event]) -> tuple[int, bool]:
        """Schedule the next chunk of every prompt not computed yet; tell if one was preempted."""
        preempted = False
        for request in list(self._prefilling):
            if request.state != "prefill" or budget <= 0:
                continue
            chunk = min(request.tokens - request.computed, budget)
            held = request.private_blocks + request.shared_blocks
            blocks = max(0, self.pool.needed(request.computed + chunk) - held)
            while blocks > self.pool.free and request.state == "prefill":
                self._preempt(now, events)
                preempted = True
            if request.state == "prefill":
                self._schedule(request, chunk, blocks)
                budget -= chunk
        return budget, preempted

    def _admit(self, budget: int, now: float, since: float) -> None:
        """Let waiting requests in while tokens, slots and KV blocks last."""
        config = self.config
        pool = self.pool
        waiting = self._waiting
        self.blocked = False
        while waiting and budget > 0:
            request = waiting[0][2]
            if request.state != "waiting":
                heappop(waiting)
                continue
            if request.arrived_s > since:
                return
            if len(self.running) >= config.max_num_seqs:
                self.blocked = True
                return
            units, cached, unused = pool.match(request)
            total = request.tokens
            left = 0 if request.prefilled else total - cached
            chunk = min(left, budget)
            if chunk < left and not config.chunked_prefill:
                return
            end = cached + chunk if chunk and not config.reserve_full_prompt else total
            if pool.needed(end) - cached // pool.block_size > pool.free - unused:
                self.blocked = True
                return
            heappop(waiting)
            self.waiting_count -= 1
            if request.scheduled_s is None:
                request.scheduled_s = now
            if cached:
                pool.take_cached(request, units)
            pool.seen_tokens += request.prompt
            pool.hit_tokens += cached
            request.cached += cached
            self.running[request] = None
            if request.prefilled:
                self._join(request)
                continue
            request.computed = cached
            request.state = "prefill"
            self._prefilling.append(request)
            held = request.private_blocks + request.shared_blocks
            blocks = pool.needed(cached + chunk) - held
            self._schedule(request, chunk, max(0, blocks))
            budget -= chunk

    def _join(self, request: Generation) -> None:
        """Let a request whose prompt was computed elsewhere decode at once."""
        assert 0 < request.generated < request.output, "the first token exists, the last does not"
        request.computed = request.tokens - 1
        request.private_blocks = self.pool.needed(request.computed) - request.shared_blocks
        self.pool.take(request.private_blocks)
        before = self.decoding.growth(1)
        self.decoding.add(request)
        extra = self.decoding.growth(1) - before
        self.pool.take(extra)
        self._reserved += extra

    def _schedule(self, request: Generation, chunk: int, blocks: int) -> None:
        self.pool.take(blocks)
        request.private_blocks += blocks
        request.chunk = chunk
        self.prompt_tokens += chunk
        self.chunks.append(request)
        if self.pool.caching and request.prefix:
            # Others may build on these blocks from the next step on, as in vLLM.
            self.pool.register(request, request.computed + chunk)

    def _preempt(self, now: float, events: list[Event]) -> None:
        """Send the last (or least important) running request back to the queue."""
        candidates = [r for r in self.running if r.state in ("prefill", "decode")]
        assert candidates, "KV blocks are exhausted but nothing can be preempted"
        self._order += 1
        if self.config.priority:
            victim = max(candidates, key=lambda r: (r.priority, r.order))
            entry = (victim.priority, victim.order, victim)
        else:
            victim = candidates[-1]
            entry = (-1, -self._order, victim)
        self.leave(victim, keep=True)
        if self._reserved:
            self.pool.free += self._reserved - self.decoding.growth(1)
            self._reserved = self.decoding.growth(1)
        victim.computed = 0
        victim.state = "waiting"
        victim.prefilled = False
        victim.preemptions += 1
        self.preemptions += 1
        heappush(self._waiting, entry)
        self.waiting_count += 1
        events.append((now, PREEMPTED, victim))

    def audit(self) -> None:
        """Assert that the KV blocks requests hold are exactly the used ones (for tests)."""
        held = self.pool.shared_in_use()
        for request in self.running:
            if request.state == "decode":
                held += self.decoding.blocks_of(request) - request.shared_blocks
            else:
                held += request.private_blocks
        if self.chunks:
            held += self.decoding.growth(1)
        assert held == self.pool.used, "KV blocks are not conserved"
