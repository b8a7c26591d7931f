"""Continuous batching as vLLM V1 does it, as a state machine that knows no clock library.

Submit requests, ask for `next_time`, and `advance` to it: every call to `advance` returns the
first tokens, ends and preemptions that happened. Between two changes of the batch the engine
jumps: the time of many decode steps is a sum in closed form (`PiecewiseLinear.total`). Which
requests a step serves is decided in `batch`.

With asynchronous scheduling (`lookahead` 1) the batch of a step is decided while the step before
it runs, so arrivals and freed slots take effect one step later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.serving.batch import Batch
from simulator.serving.step_time import EVEN

if TYPE_CHECKING:
    from simulator.serving.curve import PiecewiseLinear
    from simulator.serving.generation import Event, Generation
    from simulator.serving.settings import EngineConfig
    from simulator.serving.step_time import StepTime

__all__ = ["ContinuousBatching"]

FOREVER = float("inf")


class ContinuousBatching:
    """One engine on one replica. Times are seconds on the caller's clock and never go back.

    `busy_s` is the time steps were running, `steps` their number; `kv_longest`, `batch_largest`
    and `prompt_longest` are the extremes seen, to compare with the range of a calibration.
    """

    def __init__(self, step_time: StepTime, config: EngineConfig) -> None:
        self.step_time = step_time
        self.config = config
        self.batch = Batch(config)
        self.busy_s = 0.0
        self.steps = 0
        self.kv_longest = 0.0
        self.batch_largest = 0
        self.prompt_longest = 0
        self._cancelled: list[Generation] = []
        # The run in progress: one step with prompt chunks, or several decode-only steps.
        self._run_steps = 0
        self._run_start = 0.0
        self._run_end = FOREVER
        self._curve: PiecewiseLinear | None = None
        self._straggler = EVEN
        self._kv = (0.0, 0.0)

    @property
    def running_count(self) -> int:
        """Sequences that decode or whose prompt is being computed."""
        return len(self.batch.running)

    @property
    def waiting_count(self) -> int:
        """Requests that wait for a place in the batch."""
        return self.batch.waiting_count

    @property
    def load(self) -> int:
        """Requests in the engine, waiting or running."""
        return len(self.batch.running) + self.batch.waiting_count

    @property
    def kv_used(self) -> float:
        """Share of the KV blocks in use at the last change of the batch."""
        pool = self.batch.pool
        return pool.used / pool.total

    def outside_calibration(self) -> dict[str, tuple[float, float]]:
        """Return which inputs of the step times left their measured range, and how far."""
        return self.step_time.provenance.outside(
            kv_decode=self.kv_longest,
            n_decode=self.batch_largest,
            kv_prefill=self.prompt_longest,
        )

    def next_time(self) -> float:
        """Return when the batch changes next; infinity when nothing runs."""
        return self._run_end

    def submit(self, request: Generation, now: float) -> bool:
        """Accept `request` at `now`; the engine must have been advanced to `now` before.

        False if its queue is full; a request whose prompt was computed elsewhere always gets in.
        Raises `DoesNotFit` if the KV cache can never hold it.
        """
        assert now <= self._run_end, "advance the engine to now first"
        batch = self.batch
        batch.check(request.prompt, request.output)
        most = self.config.max_queue_size
        if most and batch.waiting_count >= most and not request.prefilled:
            return False
        request.arrived_s = now
        first = batch.add(request)
        if self._run_steps == 0:
            self._start(now, now, [])
        elif self._run_steps > 1 and (first or not batch.blocked):
            self._cut(now, self.config.lookahead)
        return True

    def advance(self, now: float) -> list[Event]:
        """Complete what ends up to `now` and return what happened, in order of time."""
        events: list[Event] = []
        while self._run_end <= now:
            self._finish_run(events)
        return events

    def cancel(self, request: Generation, now: float) -> None:
        """Drop `request` (the client gave up); a running one leaves at the end of the step."""
        if request.state == "waiting":
            self.batch.withdraw(request)
            if self._run_steps > 1:
                self._cut(now, self.config.lookahead)
        elif request.state in ("prefill", "decode"):
            self._cancelled.append(request)
            if self._run_steps > 1:
                self._cut(now, 0)

    def fail(self) -> list[Generation]:
        """Lose everything in the engine at once and return the requests to be served elsewhere.

        Their generated tokens are kept: another engine recomputes the KV of prompt and tokens.
        Tokens of the run in progress are lost with it.
        """
        self._run_steps = 0
        self._run_end = FOREVER
        self._cancelled.clear()
        return self.batch.lose()

    def _finish_run(self, events: list[Event]) -> None:
        """Complete the run in progress and start the next."""
        steps = self._run_steps
        end = self._run_end
        batch = self.batch
        self.steps += steps
        self.busy_s += end - self._run_start
        since = end
        if self.config.lookahead and batch.waiting_count:
            # Who was there when the last step began could be planned into the next one.
            since = self._run_start + (self._time_of(steps - 1) if steps > 1 else 0.0)
        batch.complete(steps, end, events)
        if self._cancelled:
            for request in self._cancelled:
                if request.state in ("prefill", "decode"):
                    batch.leave(request)
                    request.state = "cancelled"
            self._cancelled.clear()
        if len(batch.running) == len(batch.leaving):
            since = end
        self._start(end, since, events)

    def _start(self, now: float, since: float, events: list[Event]) -> None:
        """Plan the next run and start it at `now`."""
        batch = self.batch
        steps = batch.plan(now, since, events)
        self._run_steps = steps
        self._run_start = now
        if steps == 0:
            self._run_end = FOREVER
            return
        decoding = batch.decoding
        count = decoding.count
        kv = self._kv = decoding.kv() if count else (0.0, 0.0)
        if count > self.batch_largest:
            self.batch_largest = count
        if kv[1] + steps > self.kv_longest:
            self.kv_longest = kv[1] + steps
        if batch.chunks:
            chunks = []
            for request in batch.chunks:
                chunk, context = request.chunk, request.computed
                chunks.append((chunk, context))
                if chunk + context > self.prompt_longest:
                    self.prompt_longest = chunk + context
            seconds = self.step_time.mixed(chunks, count, kv[0], kv[1], batch.tokens_each)
            config = self.config
            self._run_end = now + seconds + config.step_overhead_s + config.prompt_overhead_s
        else:
            self._curve = self.step_time.decode(count, batch.tokens_each)
            self._straggler = self.step_time.straggler(count)
            self._run_end = now + self._time_of(steps)

    def _time_of(self, steps: int) -> float:
        """Return the seconds that the first `steps` steps of the jump in progress take."""
        assert self._curve is not None, "a jump is in progress"
        mean, longest = self._kv
        stride = self.batch.decoding.stride
        seconds = self._curve.total(mean, steps, stride)
        if self._straggler.seconds_per_token:
            seconds += self._straggler.total(mean, longest, steps, stride)
        return seconds + steps * self.config.step_overhead_s

    def _cut(self, now: float, further: int) -> None:
        """Let the jump end with the step in progress at `now` and `further` ones behind it."""
        low, high = 0, self._run_steps - 1 - further
        if high <= 0:
            return
        elapsed = now - self._run_start
        middle = int(elapsed / (self._run_end - self._run_start) * self._run_steps)
        # Find how many steps are complete (at least `low`, at most `high`) by Newton's method.
        while low < high:
            middle = min(max(middle, low + 1), high)
            early = elapsed - self._time_of(middle)
            if early >= 0.0:
                low = middle
            else:
                high = middle - 1
            if low < high:
                ahead = early / (self._time_of(middle + 1) - elapsed + early)
                middle += int(ahead) + 1 if ahead >= 0.0 else int(ahead)
        steps = low + 1 + further
        if steps < self._run_steps:
            self._run_steps = steps
            self._run_end = self._run_start + self._time_of(steps)
