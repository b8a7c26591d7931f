"""What can be wrong with the description of a GPU pool, and what of it has no effect."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from simulator.policies.gpu_serving import profile_at
from simulator.serving.batch_times import LinearTime
from simulator.serving.catalogue import find_gpu
from simulator.serving.errors import ServingError

if TYPE_CHECKING:
    from simulator.components.gpu_pool import GpuPool

Idle = tuple[str, str, str]

_OF_ENGINES = (
    "model", "profile", "quantization", "kv_quantization", "link", "output_tokens", "max_num_seqs",
    "max_num_batched_tokens", "gpu_memory_utilization", "num_gpu_blocks", "prefix_caching",
    "prefixes", "prompt_blocks", "speculative", "disaggregated", "host_overhead",
)  # fmt: skip
"""Fields that only `batching: continuous` reads."""

_OF_PASSES = {
    "pass_time": "step times follow from `model` and `gpu`, or from a `profile`",
    "max_batch_size": "set `max_num_seqs`, or `batching: dynamic`",
    "preferred_batch_size": "leave it out, or set `batching: dynamic`",
    "max_queue_delay": "leave it out, or set `batching: dynamic`",
}
"""Fields that only models of one pass read, and what to do instead."""


def mistakes(pool: "GpuPool") -> list[ValueError]:
    """Every mistake that can be seen without curing another one first."""
    found: dict[str, ValueError] = {str(error): error for error in _choices(pool)}
    for part in _parts(pool):
        try:
            part()
        except ValueError as error:
            # Several parts meet the same mistake: a slice that does not exist, a wrong degree.
            found.setdefault(str(error), error)
    return list(found.values())


def _choices(pool: "GpuPool") -> Iterator[ServingError]:
    """What was chosen and does not go together."""
    scale, split = pool.autoscale, pool.disaggregated
    if pool.batching == "continuous":
        if pool.model is None:
            message = "`batching: continuous` needs `model`"
            yield ServingError(message, fields=("batching",))
        if split is not None and split.prefill >= pool.replicas:
            message = "`disaggregated.prefill` leaves no replica to decode"
            yield ServingError(message, fields=("disaggregated",))
        if scale is not None and split is not None:
            message = "`autoscale` and `disaggregated` do not go together"
            yield ServingError(message, fields=("autoscale",))
        yield from _unfit_profile(pool)
    else:
        if pool.pass_time is None:
            message = f"`batching: {pool.batching}` needs `pass_time`"
            yield ServingError(message, fields=("batching",))
        if pool.router == "prefix_affine":
            message = "`router: prefix_affine` needs `batching: continuous`"
            yield ServingError(message, fields=("router",))
    if scale is not None and scale.warmup:
        message = "`warmup` has no effect on a pool of GPUs: say `load_time`"
        yield ServingError(message, fields=("autoscale",))
    if scale is not None and scale.spot is not None and scale.spot.checkpoint is not None:
        message = "`checkpoint` has no effect: tokens are computed again elsewhere"
        yield ServingError(message, fields=("autoscale",))


def _unfit_profile(pool: "GpuPool") -> Iterator[ServingError]:
    """What a profile was measured with and the pool does not have."""
    if pool.profile is None:
        return
    try:
        profile = profile_at(pool.profile)
    except ValueError:
        return  # told with the step times
    if pool.model is not None and profile.catalogue_model is not pool.shape:
        message = f"{pool.profile} was measured with {profile.model}"
        yield ServingError(message, fields=("profile",))
    card = profile.catalogue_gpu
    if card is None:
        return
    if card.name != find_gpu(pool.gpu).name:
        message = f"{pool.profile} was measured on {card.name}, not on {pool.gpu}"
        yield ServingError(message, fields=("gpu",))
    elif pool.mig is not None:
        message = (
            f"{pool.profile} was measured on a whole {card.name}, not on a slice of it: leave "
            "`profile` out to use the data sheet's share, or `mig` for the whole GPU"
        )
        yield ServingError(message, fields=("profile",))


def _parts(pool: "GpuPool") -> list[Callable[[], Any]]:
    """What has to be made of the pool, each by itself."""
    asked = pool
    parts: list[Callable[[], Any]] = [lambda: asked.hardware]
    if pool.mig is not None:
        try:
            parts[0]()
        except ServingError:
            # What is wrong on the whole GPU too does not come from the slice.
            pool = pool.model_copy(update={"mig": None})
    if pool.batching != "continuous":
        parts.append(lambda: pool.batch_server(LinearTime(0.0, 0.0)))
        if pool.pass_time is not None:
            parts.append(pool.pass_time.batch_time)
    elif pool.model is not None:
        parts += [pool.limits, pool.blocks, pool.step_time]
    return parts


def idle_fields(pool: "GpuPool") -> list[Idle]:
    """Fields that were set to something and that nothing reads."""
    return [
        row
        for row in (
            _idle_in_engines(pool) if pool.batching == "continuous" else _idle_in_passes(pool)
        )
        if _was_set(pool, row[0])
    ]


def _was_set(pool: "GpuPool", field: str) -> bool:
    default = type(pool).model_fields[field].get_default(call_default_factory=True)
    return field in pool.model_fields_set and getattr(pool, field) != default


def _idle_in_engines(pool: "GpuPool") -> Iterator[Idle]:
    for field, hint in _OF_PASSES.items():
        yield field, "with `batching: continuous`", hint
    if pool.tensor_parallel == 1:
        yield "link", "with one GPU per replica", "leave it out, or set `tensor_parallel`"
    if pool.num_gpu_blocks is not None:
        hint = "leave one of the two out"
        yield "gpu_memory_utilization", "beside `num_gpu_blocks`", hint


def _idle_in_passes(pool: "GpuPool") -> Iterator[Idle]:
    mode = f"with `batching: {pool.batching}`"
    for field in _OF_ENGINES:
        yield field, mode, "leave it out, or set `batching: continuous`"
    if pool.batching != "dynamic":
        yield "preferred_batch_size", mode, "leave it out, or set `batching: dynamic`"
    if pool.batching == "single":
        for field in ("max_batch_size", "max_queue_delay"):
            yield field, mode, "leave it out, or set `batching: dynamic`"
    if pool.pass_time is not None and not pool.pass_time.per_token:
        yield "input_tokens", "on `pass_time`", "leave it out, or set `pass_time.per_token`"
