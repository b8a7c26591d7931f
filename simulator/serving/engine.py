"""Continuous batching as vLLM V1 does it, as a state machine that knows no clock library.

Submit requests, ask for `next_time`, and `advance` to it: every call to `advance` returns the
first tokens, ends and preemptions that happened. Between two changes of the batch the engine
jumps: the time of many decode steps is a sum in closed form (`PiecewiseLinear.total`).

What is modelled, after vLLM's `v1/core/sched/scheduler.py` (read at 0.19):

- each step first serves running sequences (decodes, then unfinished prompts), then admits waiting
  ones, within `max_num_batched_tokens` and `max_num_seqs`, prompts in chunks;
- a waiting request is admitted only if its whole known sequence fits the free KV blocks;
- when blocks run out the last running request (with `priority`: the least important) is preempted:
  its blocks are freed and its tokens recomputed later, it waits at the head of the queue;
- asynchronous scheduling: the batch of a step is decided while the step before it runs, so
  arrivals and freed slots take effect one step later (`lookahead` 1, the default since 0.14).
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from simulator.serving.blocks import BlockPool
from simulator.serving.decoding import DecodeSet
from simulator.serving.errors import DoesNotFit, ServingError
from simulator.serving.generation import FINISHED, FIRST_TOKEN, PREEMPTED

if TYPE_CHECKING:
    from simulator.serving.curve import PiecewiseLinear
    from simulator.serving.generation import Event, Generation
    from simulator.serving.step_time import StepTime

__all__ = ["ContinuousBatching", "EngineConfig"]

FOREVER = float("inf")


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """The settings of one engine, under vLLM's names.

    `num_gpu_blocks` None is a KV cache without limit. `draft_tokens` and `tokens_per_step`
    describe speculative decoding (see `speculative`). `jump_steps_max` 1 makes the engine
    take every step on its own; results are the same, only slower.
    """

    max_num_seqs: int = 256
    max_num_batched_tokens: int = 2048
    num_gpu_blocks: int | None = None
    block_size: int = 16
    prefix_caching: bool = False
    chunked_prefill: bool = True
    reserve_full_prompt: bool = True
    priority: bool = False
    lookahead: int = 1
    step_overhead_s: float = 0.0
    draft_tokens: int = 0
    tokens_per_step: float = 1.0
    jump_steps_max: int = 1 << 30

    def __post_init__(self) -> None:
        if self.max_num_seqs < 1 or self.max_num_batched_tokens < 1 or self.block_size < 1:
            raise ServingError("max_num_seqs, max_num_batched_tokens, block_size start at 1")
        if self.max_num_batched_tokens < self.max_num_seqs * (1 + self.draft_tokens):
            raise ServingError(
                f"max_num_batched_tokens {self.max_num_batched_tokens} is below one token for each "
                f"of {self.max_num_seqs} sequences"
            )
        if self.lookahead not in (0, 1):
            raise ServingError("lookahead is 0 or 1")


class ContinuousBatching:
    """One engine on one replica. Times are seconds on the caller's clock and never go back."""

    def __init__(self, step_time: StepTime, config: EngineConfig) -> None:
        self.step_time = step_time
        self.config = config
        self.pool = BlockPool(
            config.num_gpu_blocks, config.block_size, caching=config.prefix_caching
        )
        self.decoding = DecodeSet(config.block_size, config.tokens_per_step)
        self.waiting_count = 0
        self.busy_s = 0.0
        self.steps = 0
        self.preemptions = 0
        self.prompt_tokens = 0
        self.kv_longest = 0.0
        self._tokens_each = 1 + config.draft_tokens
        self._serial = 0
        self._waiting: list[tuple[int, int, Generation]] = []
        self._running: dict[Generation, None] = {}
        self._prefilling: list[Generation] = []
        self._blocked = False
        # Slots and blocks of sequences that ended in the step before: free one step later.
        self._leaving: list[Generation] = []
        self._cancelled: list[Generation] = []
        # The run in progress: one step with prompt chunks, or several decode-only steps.
        self._run_steps = 0
        self._run_start = 0.0
        self._run_end = FOREVER
        self._last_start = -FOREVER
        self._chunks: list[Generation] = []
        self._reserved = 0
        self._curve: PiecewiseLinear | None = None
        self._kv = (0.0, 0.0)

    # ---------------------------------------------------------------- what a caller uses

    @property
    def running_count(self) -> int:
        """Sequences that decode or whose prompt is being computed."""
        return len(self._running)

    @property
    def load(self) -> int:
        """Requests in the engine, waiting or running."""
        return len(self._running) + self.waiting_count

    def next_time(self) -> float:
        """Return when the batch changes next; infinity when nothing runs."""
        return self._run_end

    def check(self, prompt: int, output: int) -> None:
        """Raise `DoesNotFit` if a request of this length can never be held by the KV cache."""
        needed = self.pool.needed(prompt + output)
        if needed > self.pool.total:
            size = self.config.block_size
            raise DoesNotFit(
                f"a context of {prompt} + {output} tokens needs {needed} KV blocks of {size} "
                f"tokens; the GPU memory holds {self.pool.total} "
                f"({self.pool.total * size} tokens)"
            )
        if not self.config.chunked_prefill and prompt > self.config.max_num_batched_tokens:
            raise DoesNotFit(
                f"a prompt of {prompt} tokens exceeds max_num_batched_tokens "
                f"{self.config.max_num_batched_tokens} and chunked prefill is off"
            )

    def submit(self, request: Generation, now: float) -> None:
        """Accept `request` at `now`; the engine must have been advanced to `now` before."""
        assert now <= self._run_end, "advance the engine to now first"
        self.check(request.prompt, request.output)
        request.arrived_s = now
        request.state = "waiting"
        self._serial += 1
        request.order = self._serial
        rank = request.priority if self.config.priority else 0
        heappush(self._waiting, (rank, self._serial, request))
        self.waiting_count += 1
        if self._run_steps == 0:
            self._last_start = now
            self._plan(now)
        elif self._run_steps > 1 and (not self._blocked or self._waiting[0][2] is request):
            self._cut(now, self.config.lookahead)

    def advance(self, now: float) -> list[Event]:
        """Complete what ends up to `now` and return what happened, in order of time."""
        events: list[Event] = []
        while self._run_end <= now:
            end = self._run_end
            self._complete(end, events)
            self._plan(end, events)
        return events

    def cancel(self, request: Generation, now: float) -> None:
        """Drop `request` (the client gave up); a running one leaves at the end of the step."""
        if request.state == "waiting":
            request.state = "cancelled"
            self.waiting_count -= 1
            self._blocked = False
            if self._run_steps > 1:
                self._cut(now, self.config.lookahead)
        elif request.state in ("prefill", "decode"):
            self._cancelled.append(request)
            if self._run_steps > 1:
                self._cut(now, 0)

    def fail(self) -> list[Generation]:
        """Lose everything in the engine at once and return the requests to be served elsewhere.

        Their generated tokens are kept: another engine recomputes the KV of prompt and tokens.
        """
        lost = [request for _, _, request in sorted(self._waiting) if request.state == "waiting"]
        for request in self._running:
            if request.state == "decode":
                self.decoding.remove(request)
        running = [request for request in self._running if request.state != "leaving"]
        for request in self._running:
            self.pool.give_back(request)
            request.computed = request.chunk = 0
        for request in running + lost:
            request.state = "new"
            request.prefilled = False
        self.pool.free = self.pool.total
        self.pool.forget()
        self._waiting.clear()
        self._running.clear()
        self._prefilling.clear()
        self._leaving.clear()
        self._chunks = []
        self.waiting_count = 0
        self._run_steps = 0
        self._run_end = FOREVER
        return running + lost

    # ---------------------------------------------------------------- the end of a run

    def _time_of(self, steps: int) -> float:
        """Return the seconds that the first `steps` steps of the jump in progress take."""
        assert self._curve is not None, "a jump is in progress"
        mean, longest = self._kv
        stride = self.decoding.stride
        seconds = self._curve.total(mean, steps, stride)
        skew = self.step_time.skew
        if skew and longest > mean:
            seconds += skew * (self._curve.total(longest, steps, stride) - seconds)
        return seconds + steps * self.config.step_overhead_s

    def _cut(self, now: float, further: int) -> None:
        """Let the jump end with the step in progress at `now` and `further` ones behind it."""
        low, high = 0, self._run_steps - 1 - further
        if high <= 0:
            return
        elapsed = now - self._run_start
        span = self._run_end - self._run_start
        middle = int(elapsed / span * self._run_steps)
        # Find how many steps are complete (at least `low`, at most `high`) by Newton's method.
        while low < high:
            middle = min(max(middle, low + 1), high)
            early = elapsed - self._time_of(middle)
            if early >= 0.0:
                low = middle
            else:
                high = middle - 1
            ahead = early / (self._time_of(middle + 1) - elapsed + early)
            middle += int(ahead) + 1 if ahead >= 0.0 else int(ahead)
        steps = low + 1 + further
        if steps < self._run_steps:
            self._run_steps = steps
            self._run_end = self._run_start + self._time_of(steps)

    def _complete(self, end: float, events: list[Event]) -> None:
        decoding = self.decoding
        steps = self._run_steps
        self.steps += steps
        self.busy_s += end - self._run_start
        if self._leaving:
            self._let_go()
        if self._curve is not None:
            # The start of the last step decides who was there when its successor was planned.
            self._last_start = (
                self._run_start
                if steps == 1
                else self._run_start + self._time_of(steps - 1)
                if self.config.lookahead and self._waiting
                else end
            )
            self.pool.take(decoding.growth(steps))
        else:
            self._last_start = self._run_start
        decoding.step += steps
        for request in decoding.finished():
            self._finish(request, end, events)
        for request in self._chunks:
            self._computed(request, end, events)
        self._chunks = []
        for request in self._cancelled:
            if request.state in ("prefill", "decode"):
                self._leave(request)
                request.state = "cancelled"
                self.pool.give_back(request)
                self._blocked = False
        self._cancelled.clear()
        self._run_steps = 0
        self._run_end = FOREVER

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
            self._fill(request)
            self.decoding.remove(request)
        request.finished_s = end
        request.state = "leaving"
        self._leaving.append(request)
        events.append((end, FINISHED, request))

    def _fill(self, request: Generation) -> None:
        """Book the blocks that decoding has filled since the prompt onto `request`."""
        request.private_blocks = self.decoding.blocks_of(request) - request.shared_blocks

    def _leave(self, request: Generation) -> None:
        """Take `request` out of the batch; its blocks stay with it."""
        if request.state == "decode":
            self._fill(request)
            self.decoding.remove(request)
        else:
            self._prefilling.remove(request)
        del self._running[request]

    def _let_go(self) -> None:
        """Free the slots and blocks of the sequences that have finished."""
        for request in self._leaving:
            del self._running[request]
            self.pool.give_back(request)
            request.state = "done"
        self._leaving.clear()
        self._blocked = False

    # ---------------------------------------------------------------- the next run

    def _plan(self, now: float, events: list[Event] | None = None) -> None:
        """Decide the batch of the next step and how many steps it stays the same."""
        if self._leaving and (
            not self.config.lookahead
            or not self._waiting
            or len(self._running) == len(self._leaving)
        ):
            self._let_go()
        decoding = self.decoding
        pool = self.pool
        preempted = False
        while decoding.count and decoding.growth(1) > pool.free:
            self._preempt(now, events)
            preempted = True
        budget = self.config.max_num_batched_tokens - decoding.count * self._tokens_each
        if self._prefilling or self._waiting:
            self._reserved = decoding.growth(1)
            pool.take(self._reserved)
            if self._prefilling:
                budget, preempted = self._continue(budget, now, events, preempted)
            if self._waiting and not preempted:
                self._admit(budget, now)
            if self._chunks:
                self._reserved = 0
                self._run_mixed(now)
                return
            pool.free += self._reserved
            self._reserved = 0
        if decoding.count:
            self._run_decode(now)

    def _run_mixed(self, now: float) -> None:
        decoding = self.decoding
        chunks = [(request.chunk, request.computed) for request in self._chunks]
        mean, longest = decoding.kv() if decoding.count else (0.0, 0.0)
        seconds = self.step_time.mixed(chunks, decoding.count, mean, longest, self._tokens_each)
        self._curve = None
        self._run_steps = 1
        self._run_start = now
        self._run_end = now + seconds + self.config.step_overhead_s

    def _run_decode(self, now: float) -> None:
        decoding = self.decoding
        steps = min(decoding.steps_left(), self.config.jump_steps_max)
        if self._waiting and (self._leaving or not self._blocked):
            steps = 1
        steps = decoding.steps_within(self.pool.free, steps)
        assert steps >= 1, "a decode step without room for its tokens"
        self._kv = decoding.kv()
        self._curve = self.step_time.decode(decoding.count, self._tokens_each)
        self._run_steps = steps
        self._run_start = now
        self._run_end = now + self._time_of(steps)
        self.kv_longest = max(self.kv_longest, self._kv[1] + steps)

    def _continue(
        self,
        budget: int,
        now: float,
        events: list[Event] | None,
        preempted: bool,
    ) -> tuple[int, bool]:
        """Schedule the next chunk of every prompt that is not computed yet."""
        for request in list(self._prefilling):
            if request.state != "prefill" or budget <= 0:
                continue
            chunk = min(request.tokens - request.computed, budget)
            held = request.private_blocks + request.shared_blocks
            wanted = self.pool.needed(request.computed + chunk) - held
            while wanted > self.pool.free and request.state == "prefill":
                self._preempt(now, events)
                preempted = True
            if request.state == "prefill":
                self._schedule(request, chunk, wanted)
                budget -= chunk
        return budget, preempted

    def _admit(self, budget: int, now: float) -> None:
        """Let waiting requests in while tokens, slots and KV blocks last."""
        config = self.config
        pool = self.pool
        waiting = self._waiting
        idle = not self._running
        self._blocked = False
        while waiting and budget > 0:
            request = waiting[0][2]
            if request.state != "waiting":
                heappop(waiting)
                continue
            if config.lookahead and not idle and request.arrived_s > self._last_start:
                return
            if len(self._running) >= config.max_num_seqs:
                self._blocked = True
                return
            units, cached, unused = pool.match(request)
            total = request.tokens
            chunk = 0 if request.prefilled else min(total - cached, budget)
            if chunk < total - cached and not config.chunked_prefill and not request.prefilled:
                return
            shared = -(-cached // pool.block_size)
            end = total if config.reserve_full_prompt or request.prefilled else cached + chunk
            if pool.needed(end) - shared > pool.free - unused:
                self._blocked = True
                return
            heappop(waiting)
            self.waiting_count -= 1
            if request.scheduled_s is None:
                request.scheduled_s = now
            if pool.caching:
                pool.seen_tokens += request.prompt
                pool.hit_tokens += cached
                pool.take_cached(request, units)
            request.cached += cached
            request.computed = cached
            self._running[request] = None
            if request.prefilled:
                self._join(request)
                continue
            request.state = "prefill"
            self._prefilling.append(request)
            held = request.shared_blocks
            self._schedule(request, chunk, max(0, pool.needed(cached + chunk) - held))
            budget -= chunk

    def _join(self, request: Generation) -> None:
        """Let a request whose prompt was computed elsewhere decode at once."""
        request.computed = request.prompt
        request.generated = 1
        blocks = self.pool.needed(request.prompt) - request.shared_blocks
        self.pool.take(blocks)
        request.private_blocks = blocks
        self.decoding.add(request)

    def _schedule(self, request: Generation, chunk: int, blocks: int) -> None:
        self.pool.take(blocks)
        request.private_blocks += blocks
        request.chunk = chunk
        self.prompt_tokens += chunk
        self._chunks.append(request)
        if self.pool.caching and request.prefix:
            request.computed += chunk
            self.pool.register(request)
            request.computed -= chunk

    def _preempt(self, now: float, events: list[Event] | None) -> None:
        """Send the last (or least important) running request back to the queue."""
        candidates = [r for r in self._running if r.state in ("prefill", "decode")]
        assert candidates, "KV blocks are exhausted but nothing can be preempted"
        if self.config.priority:
            victim = max(candidates, key=lambda r: (r.priority, r.order))
        else:
            victim = candidates[-1]
        if victim.chunk:
            self._chunks.remove(victim)
            victim.chunk = 0
        self._leave(victim)
        self.pool.give_back(victim)
        if self._reserved:
            self.pool.free += self._reserved - self.decoding.growth(1)
            self._reserved = self.decoding.growth(1)
        victim.computed = 0
        victim.state = "waiting"
        victim.prefilled = False
        victim.preemptions += 1
        self.preemptions += 1
        self._serial += 1
        rank, order = (victim.priority, victim.order) if self.config.priority else (
            -1, -self._serial)
        heappush(self._waiting, (rank, order, victim))
        self.waiting_count += 1
        if events is not None:
            events.append((now, PREEMPTED, victim))
