"""Measuring a profile: on a CPU with a tiny model where PyTorch is installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from simulator.serving.catalogue import find_model
from simulator.serving.errors import ServingError
from simulator.serving.profile import calibrate
from simulator.serving.profiling import ProfileGrid, measure_profile

HAS_TORCH = importlib.util.find_spec("torch") is not None
SMALL = ProfileGrid(
    tokens=(1, 16, 64), chunks=(16, 64), kv=(16, 128, 256), sequences=(1, 4, 16), repeats=2
)


@pytest.mark.skipif(HAS_TORCH, reason="PyTorch is installed")
def test_without_pytorch_it_says_what_to_install(tmp_path: Path) -> None:
    """An explanation, not a traceback."""
    with pytest.raises(ServingError, match=r"pip install 'capacity-simulator\[gpu\]'"):
        measure_profile(find_model("tiny-random-llama"), tmp_path)


@pytest.mark.skipif(not HAS_TORCH, reason="needs PyTorch")
@pytest.mark.filterwarnings("ignore")
def test_without_a_gpu_it_says_so(tmp_path: Path) -> None:
    """An explanation, not a traceback."""
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(ServingError, match="no CUDA GPU is visible"):
        measure_profile(find_model("tiny-random-llama"), tmp_path)


@pytest.mark.skipif(not HAS_TORCH, reason="needs PyTorch")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("degrees", [(1,), (1, 2)])
def test_a_measured_folder_calibrates(tmp_path: Path, degrees: tuple[int, ...]) -> None:
    """What `measure_profile` writes, `calibrate` reads."""
    model = find_model("tiny-random-llama")
    folder = measure_profile(
        model, tmp_path / "out", device="cpu", tensor_parallel=degrees, grid=SMALL
    )
    profile = calibrate(folder)
    assert set(profile.tables) == set(degrees)
    assert profile.step_time().decode(4).at(64) > 0.0
    assert profile.step_time().mixed([(32, 0)], 4, 64, 64) > 0.0


def test_impossible_requests_are_refused(tmp_path: Path) -> None:
    """A degree that does not divide the heads, a device that does not exist."""
    model = find_model("tiny-random-llama")
    if HAS_TORCH:
        with pytest.raises(ServingError, match="unknown device"):
            measure_profile(model, tmp_path, device="tpu")
        with pytest.raises(ServingError, match="does not divide"):
            measure_profile(model, tmp_path, device="cpu", tensor_parallel=(3,))
