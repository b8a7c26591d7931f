"""How long a batch takes on models that answer in one pass: tau(b) and its refinements.

None of these is validated against measurements: no licensed table of dynamic batching or of
diffusion latency against batch size was found. They are arithmetic on numbers you bring.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.serving.curve import PiecewiseLinear
from simulator.serving.errors import ServingError

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from simulator.serving.batching import BatchItem, BatchTime

__all__ = ["DiffusionTime", "EncoderTime", "LinearTime", "SlicedTime", "TableTime"]

REFERENCE_PIXELS = 1024.0 * 1024.0


@dataclass(frozen=True, slots=True)
class LinearTime:
    """tau(b) = fixed + b * per_item, the model of Inoue (arXiv 1912.06322)."""

    fixed_s: float
    per_item_s: float

    def seconds(self, batch: Sequence[BatchItem], instance: int) -> float:
        """Return the time of a batch by its size."""
        return self.fixed_s + self.per_item_s * len(batch)


class TableTime:
    """tau(b) read off a measured table of batch sizes, linear between them and beyond."""

    def __init__(self, table: Mapping[int, float]) -> None:
        if not table or any(size < 1 or seconds <= 0.0 for size, seconds in table.items()):
            message = "a table of batch times needs sizes from 1 and times above zero"
            raise ServingError(message, fields=("pass_time",))
        sizes = sorted(table)
        self._curve = PiecewiseLinear(sizes, [table[size] for size in sizes])

    def seconds(self, batch: Sequence[BatchItem], instance: int) -> float:
        """Return the time of a batch by its size."""
        return self._curve.at(len(batch))


@dataclass(frozen=True, slots=True)
class EncoderTime:
    """Embedding and reranker models: a fixed time, one for each item and one for each token.

    With `padded` every item is as long as the longest of its batch.
    """

    fixed_s: float
    per_item_s: float = 0.0
    per_token_s: float = 0.0
    padded: bool = True

    def seconds(self, batch: Sequence[BatchItem], instance: int) -> float:
        """Return the time of a batch by its size and lengths."""
        if self.padded:
            tokens = len(batch) * max(item.tokens for item in batch)
        else:
            tokens = sum(item.tokens for item in batch)
        return self.fixed_s + self.per_item_s * len(batch) + self.per_token_s * tokens


@dataclass(slots=True)
class DiffusionTime:
    """Image generation: denoising steps over all images of the batch, then decoding.

    A step takes `step_s` plus `step_image_s` for each image of 1024 x 1024 pixels; other sizes
    scale with pixels to the power `resolution_exponent` (1: convolutions; toward 2: attention
    over patches). The shape of an item is (steps, width, height). An instance keeps one adapter
    (LoRA) loaded and takes `adapter_load_s` to change it.
    """

    step_s: float
    step_image_s: float
    decode_image_s: float = 0.0
    adapter_load_s: float = 0.0
    resolution_exponent: float = 1.0
    loaded: dict[int, Hashable] = field(default_factory=dict)

    def seconds(self, batch: Sequence[BatchItem], instance: int) -> float:
        """Return the time of a batch of one shape; remembers the adapter."""
        shape = batch[0].shape
        if not (isinstance(shape, tuple) and len(shape) == 3):
            raise ServingError("the shape of a diffusion request is (steps, width, height)")
        steps, width, height = shape
        scale: float = (width * height / REFERENCE_PIXELS) ** self.resolution_exponent
        images = sum(item.images for item in batch)
        seconds = float(steps) * (self.step_s + self.step_image_s * images * scale)
        seconds += self.decode_image_s * images * scale
        for item in batch:
            if item.adapter is not None and self.loaded.get(instance) != item.adapter:
                self.loaded[instance] = item.adapter
                seconds += self.adapter_load_s
        return seconds


@dataclass(frozen=True, slots=True)
class SlicedTime:
    """A batch time measured on a whole GPU, on a MIG slice of it.

    `compute` and `memory` are the slice's shares; `compute_bound` is the part of the whole GPU's
    time that arithmetic decides, the rest goes with memory bandwidth.
    """

    whole: BatchTime
    compute: float
    memory: float
    compute_bound: float = 0.5

    def __post_init__(self) -> None:
        shares = (self.compute, self.memory)
        if not all(0.0 < share <= 1.0 for share in shares) or not 0 <= self.compute_bound <= 1:
            raise ServingError("shares of a MIG slice lie above 0 and up to 1")

    def seconds(self, batch: Sequence[BatchItem], instance: int) -> float:
        """Return the longer time on the slice."""
        stretch = self.compute_bound / self.compute + (1 - self.compute_bound) / self.memory
        return self.whole.seconds(batch, instance) * stretch
