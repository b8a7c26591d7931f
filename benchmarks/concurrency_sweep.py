"""Predicts measured closed-loop sweeps on H100 and H200 at concurrencies left out of the fit.

    python benchmarks/concurrency_sweep.py [--json]

Each setting (GPU, model, precision, parallelism, vLLM version) is fitted on its rows with 4, 16
and 64 clients and predicted at 8, 32 and 128. A step is modelled as a fixed time, a time for each
sequence, each KV token and each prompt token, and for a mixture of experts one that grows with
the experts touched. In a closed loop with inputs of I and outputs of O tokens a batch of B holds
B (I + O/2) KV tokens and takes in B I / O prompt tokens a step, so the measured time per output
token is linear in the five; the prediction then runs the engine itself with the fitted step.
Data: `silicon_sample.csv` of ai-dynamo/aiconfigurator (Apache-2.0), see data/README.md.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

from simulator.serving.curve import PiecewiseLinear
from simulator.serving.engine import ContinuousBatching
from simulator.serving.generation import Generation
from simulator.serving.replay import closed_loop
from simulator.serving.settings import EngineConfig
from simulator.serving.step_time import EVEN, Provenance, Straggler

TABLE = Path(__file__).parents[1] / "data/aiconfigurator/silicon_sample_h100_h200_vllm.csv.gz"
SETTING = (
    "system",
    "model_path",
    "precision",
    "backend_version",
    "tp_size",
    "attention_dp_size",
    "moe_tp_size",
    "moe_ep_size",
    "gemm_quant_mode",
    "moe_quant_mode",
)
FITTED = (4, 16, 64)
PREDICTED = (8, 32, 128)
# Experts and experts per token, from the models' config.json on the hub.
EXPERTS = {
    "MiniMaxAI/MiniMax-M2.5": (256, 8),
    "openai/gpt-oss-120b": (128, 4),
    "Qwen/Qwen3-235B-A22B-FP8": (128, 8),
    "moonshotai/Kimi-K2.5": (384, 8),
}


@dataclass(frozen=True)
class Row:
    """One measured point: clients, input and output tokens, seconds."""

    clients: int
    prompt: int
    output: int
    ttft_s: float
    tpot_s: float


@dataclass(frozen=True)
class SweepStep:
    """The fitted step: weights of (1, sequences, KV tokens, prompt tokens, experts touched)."""

    weights: tuple[float, ...]
    experts: tuple[int, int]
    provenance = Provenance("published", "fitted to a concurrency sweep")

    def touched(self, sequences: float) -> float:
        """Return the share of experts that `sequences` tokens touch."""
        count, each = self.experts
        return 0.0 if count == 1 else 1.0 - (1.0 - each / count) ** sequences

    def decode(self, sequences: int, tokens: int = 1) -> PiecewiseLinear:
        """Return the time of a decode-only step over the KV length."""
        step, sequence, kv, _, experts = self.weights
        fixed = step + sequence * sequences + experts * self.touched(sequences)
        return PiecewiseLinear([0.0, 1.0], [fixed, fixed + kv * sequences])

    def straggler(self, sequences: int) -> Straggler:
        """Return no tail: only means were measured."""
        return EVEN

    def mixed(
        self, chunks: Any, sequences: int, kv_mean: float, kv_max: float, tokens: int = 1
    ) -> float:
        """Return the time of a step with prompt chunks."""
        prompt = sum(chunk for chunk, _ in chunks)
        return self.decode(sequences).at(kv_mean) + self.weights[3] * prompt


def main() -> None:
    """Print the errors by model and over all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = run()
    if arguments.json:
        print(json.dumps(result))
        return
    for name, part in result["models"].items():
        print(f"{name:36}{part['points']:5} points  TPOT median error {part['median']:.1%}")
    print(
        f"{result['settings']} settings, {result['points']} points: TPOT error median "
        f"{result['median']:.1%}, mean {result['mean']:.1%}, p90 {result['p90']:.1%} "
        f"(closed form: median {result['closed_form_median']:.1%}); "
        f"TTFT error median {result['ttft_median']:.0%}"
    )


def run() -> dict[str, Any]:
    """Return the errors of all predicted points."""
    errors: dict[str, list[float]] = defaultdict(list)
    formula, ttft = [], []
    settings = 0
    for setting, rows in read().items():
        train = [row for row in rows if row.clients in FITTED]
        test = [row for row in rows if row.clients in PREDICTED]
        if {row.clients for row in train} != set(FITTED) or not test:
            continue
        settings += 1
        model = setting[1]
        step = fit(train, EXPERTS.get(model, (1, 1)))
        for row in test:
            formula.append(abs(closed_form(step, row) / row.tpot_s - 1.0))
            first, each = simulate(step, row)
            errors[model].append(abs(each / row.tpot_s - 1.0))
            ttft.append(abs(first / row.ttft_s - 1.0))
    everything = np.concatenate([np.array(part) for part in errors.values()])
    return {
        "settings": settings,
        "points": len(everything),
        "median": float(np.median(everything)),
        "mean": float(everything.mean()),
        "p90": float(np.percentile(everything, 90)),
        "closed_form_median": float(np.median(formula)),
        "ttft_median": float(np.median(ttft)),
        "models": {
            name: {"points": len(part), "median": float(np.median(part))}
            for name, part in sorted(errors.items())
        },
    }


def read() -> dict[tuple[str, ...], list[Row]]:
    """Return the measured rows by setting."""
    settings: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    with gzip.open(TABLE, "rt") as file:
        lines = list(csv.DictReader(file))
    for line in lines:
        stated = re.search(r"silicon_concurrency=(\d+)", line["silicon_data_source"])
        clients = int(stated[1]) if stated else int(float(line["batch_size"]))
        settings[tuple(line[name] for name in SETTING)].append(
            Row(
                clients,
                int(line["isl"]),
                int(line["osl"]),
                float(line["silicon_ttft_ms"]) * 1e-3,
                float(line["silicon_tpot_ms"]) * 1e-3,
            )
        )
    return settings


def terms(row: Row, experts: tuple[int, int]) -> list[float]:
    """Return what a step holds on average with `row.clients` sequences."""
    batch = row.clients
    touched = SweepStep((0,) * 5, experts).touched(batch)
    kv = batch * (row.prompt + row.output / 2)
    return [1.0, batch, kv, batch * row.prompt / row.output, touched]


def fit(rows: list[Row], experts: tuple[int, int]) -> SweepStep:
    """Return the step fitted to `rows`: least squares on the relative error, nothing negative."""
    seconds = np.array([row.tpot_s for row in rows])
    matrix = np.array([terms(row, experts) for row in rows]) / seconds[:, None]
    scale = np.linalg.norm(matrix, axis=0)
    scale[scale == 0.0] = 1.0
    weights, _ = nnls(matrix / scale, np.ones(len(rows)))
    return SweepStep(tuple(float(w) for w in weights / scale), experts)


def closed_form(step: SweepStep, row: Row) -> float:
    """Return the time per output token of the formula alone."""
    return float(np.dot(step.weights, terms(row, step.experts)))


def simulate(step: SweepStep, row: Row, rounds: int = 6) -> tuple[float, float]:
    """Return mean (TTFT, TPOT) of the engine in a closed loop, the first round left out.

    Lengths vary by 10 % around the mean so that the clients do not march in step.
    """
    rng = np.random.default_rng(7)
    config = EngineConfig(max_num_seqs=1024, max_num_batched_tokens=8192)
    engine = ContinuousBatching(step, config)

    def make() -> Generation:
        low, high = 0.9, 1.1
        prompt = max(1, round(row.prompt * rng.uniform(low, high)))
        return Generation(prompt, max(2, round(row.output * rng.uniform(low, high))))

    done = closed_loop(engine, make, row.clients, rounds * row.clients)[row.clients :]
    return (
        float(np.mean([request.ttft_s for request in done])),
        float(np.mean([request.tpot_s for request in done])),
    )


if __name__ == "__main__":
    main()
