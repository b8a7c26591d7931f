"""Calibration: a folder becomes a profile, malformed rows become diagnostics."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from simulator.serving.errors import ProfileError, ServingError, UnknownName
from simulator.serving.generation import Generation
from simulator.serving.kernel_table import graph_size
from simulator.serving.profile import Profile, calibrate, load_profile

FOLDER = Path(__file__).parents[2] / "data" / "llmservingsim" / "RTXPRO6000" / "Llama-3.1-8B"


@pytest.fixture(scope="module")
def profile() -> Profile:
    """The measured RTX PRO 6000 profile."""
    return calibrate(FOLDER)


def test_the_profile_knows_its_error_and_range(profile: Profile) -> None:
    """Steps left out of the table are predicted within 5 %, of the compact fit within 10 %."""
    assert profile.gpu == "RTX-PRO-6000"
    assert 0.0 < profile.held_out_error[1] < 0.05
    fit = profile.fits[1].provenance
    assert fit.held_out_error is not None and 0.0 < fit.held_out_error < 0.10
    provenance = profile.provenance(1)
    assert provenance.range_max["kv_decode"] == 16384
    assert provenance.outside(kv_decode=20000, n_decode=64) == {"kv_decode": (20000, 16384.0)}


def test_a_saved_profile_is_the_same(profile: Profile, tmp_path: Path) -> None:
    """Saving twice gives the same bytes, loading the same tables."""
    for name in ("a.json.gz", "b.json.gz", "c.json"):
        profile.save(tmp_path / name)
    assert (tmp_path / "a.json.gz").read_bytes() == (tmp_path / "b.json.gz").read_bytes()
    for name in ("a.json.gz", "c.json"):
        again = load_profile(tmp_path / name)
        assert again.tables == profile.tables
        assert again.fits == profile.fits
        assert again.step_time().decode(7).at(900) == profile.step_time().decode(7).at(900)


def test_measured_points_come_back_exactly(profile: Profile) -> None:
    """At a grid point the table is the measurement."""
    times = profile.step_time(graph_max=0)
    rng = np.random.default_rng(1)
    rows = profile.tables[1].attention
    for index in rng.integers(len(rows), size=200):
        chunk, context, decodes, kv, time_us = rows[index]
        if chunk == 0:
            found = times.attention.decode(int(decodes)).at(kv)
        else:
            found = times.attention.mixed(chunk, context, int(decodes), kv)
        assert found == pytest.approx(time_us * 1e-6)


def test_steps_grow_with_what_they_hold(profile: Profile) -> None:
    """More sequences, longer KV or more prompt never make a step faster by more than noise."""
    times = profile.step_time()
    base = times.mixed([(512, 0)], 16, 1000, 1000)
    assert times.mixed([(1024, 0)], 16, 1000, 1000) > base
    assert times.mixed([(512, 4096)], 16, 1000, 1000) > base
    assert times.mixed([(512, 0)], 64, 1000, 1000) > base
    assert times.mixed([(512, 0)], 16, 4000, 4000) > base
    assert times.decode(64).at(4000) > times.decode(64).at(1000) > times.decode(8).at(1000)


def test_a_long_sequence_in_a_full_batch_costs_extra(profile: Profile) -> None:
    """Where FlashAttention does not split the KV, the step waits for the longest sequence."""
    times = profile.step_time()
    assert times.straggler(16).seconds(1000, 8000) == 0.0
    assert times.straggler(64).seconds(1000, 8000) > 1e-3
    assert times.straggler(64).seconds(1000, 1000) == 0.0


def test_captured_graphs_pad_the_batch() -> None:
    """vLLM's capture sizes."""
    assert [graph_size(n, 512) for n in (1, 3, 5, 8, 9, 250, 257, 512, 513)] == [
        1, 4, 8, 8, 16, 256, 272, 512, 513,
    ]  # fmt: skip
    assert graph_size(13, 0) == 13


def test_a_degree_that_was_not_measured_is_refused(profile: Profile) -> None:
    """The message names the degrees there are."""
    with pytest.raises(ServingError, match="tensor parallel 1, not 4"):
        profile.step_time(4)


def rewrite(folder: Path, name: str, edit: tuple[int, str]) -> Path:
    """Replace one line (counted from 1) of a gzipped file in a copy of the folder."""
    copy = folder / "copy"
    shutil.copytree(FOLDER, copy)
    path = copy / name
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    lines[edit[0] - 1] = edit[1]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return copy


@pytest.mark.parametrize(
    ("name", "edit", "message"),
    [
        ("profile_tp1_dense.csv.gz", (5, "act_fn,4,fast"), r"dense.csv.gz:5:10: time_us is 'fast'"),
        ("profile_tp1_dense.csv.gz", (5, "act_fn,4"), r"5:1: 2 columns where the header has 3"),
        ("profile_tp1_dense.csv.gz", (5, ",4,3.1"), r"5:1: layer is empty"),
        ("profile_tp1_attention.csv.gz", (9, "0,0,1,-4,8"), r"9:7: kv_decode is -4; it must be"),
        ("profile_tp1_attention.csv.gz", (9, "0,0,1,16,0"), r"9:10: time_us is 0; it must be abo"),
        ("profile_tp1_per_sequence.csv.gz", (1, "layer,n,time_us"), r"1:1: no column sequences"),
        ("profile_tp1_dense.csv.gz", (5, "act_fn,2.5,3.1"), r"5:8: tokens is 2.5, not a whole"),
        ("profile_tp1_dense.csv.gz", (5, "act_fn,4,1e30"), r"5:10: time_us is 1e30; no kernel"),
    ],
)
def test_malformed_rows_are_named_with_their_place(
    tmp_path: Path, name: str, edit: tuple[int, str], message: str
) -> None:
    """File, line and column of the mistake."""
    with pytest.raises(ProfileError, match=message):
        calibrate(rewrite(tmp_path, name, edit))


@pytest.mark.parametrize(
    ("table", "kernel", "said"),
    [
        ("dense", "qkv_proj", "dense.csv.gz:1:1: no rows of the query, key and value"),
        ("dense", "down_proj", "dense.csv.gz:1:1: no rows of the MLP's last"),
        ("per_sequence", "lm_head", "per_sequence.csv.gz:1:1: no rows of the head"),
    ],
)
def test_a_model_without_one_of_its_kernels_is_refused(
    tmp_path: Path, table: str, kernel: str, said: str
) -> None:
    """Its steps would be too short, which no later check could see."""
    copy = tmp_path / "copy"
    shutil.copytree(FOLDER, copy)
    path = copy / f"profile_tp1_{table}.csv.gz"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    kept = [line for line in lines if not line.startswith(f"{kernel},")]
    path.write_bytes(gzip.compress("\n".join(kept).encode()))
    with pytest.raises(ProfileError, match=said):
        calibrate(copy)


def test_missing_files_are_all_named(tmp_path: Path) -> None:
    """Every missing file at once, and an empty folder says what belongs there."""
    with pytest.raises(ProfileError, match="no profile_tp<N>"):
        calibrate(tmp_path)
    shutil.copy(FOLDER / "profile_tp1_dense.csv.gz", tmp_path)
    with pytest.raises(ProfileError) as caught:
        calibrate(tmp_path)
    text = str(caught.value)
    assert "attention" in text and "per_sequence" in text and "profile_meta.yaml" in text


def test_malformed_metadata_is_named_with_its_place(tmp_path: Path) -> None:
    """A YAML mistake keeps its line; an unknown model gets a suggestion."""
    copy = tmp_path / "copy"
    shutil.copytree(FOLDER, copy)
    (copy / "profile_meta.yaml").write_text("model: [meta\n")
    with pytest.raises(ProfileError, match=r"profile_meta.yaml:\d+:\d+"):
        calibrate(copy)
    for content in (b"model: \xce\x02", b"model: a\x00b"):
        (copy / "profile_meta.yaml").write_bytes(content)
        with pytest.raises(ProfileError, match=r"profile_meta.yaml:1:1: cannot be read"):
            calibrate(copy)
    (copy / "profile_meta.yaml").write_text("model: meta-llama/Lama-3.1-8B\ngpu: H100\n")
    with pytest.raises(UnknownName, match=r"did you mean llama-3\.1-8b"):
        calibrate(copy)


def test_a_file_that_is_no_profile_is_refused(tmp_path: Path) -> None:
    """With the place of the mistake."""
    path = tmp_path / "p.json"
    path.write_text('{"format": 1,\n "gpu" 3}')
    with pytest.raises(ProfileError, match=r"p.json:2:"):
        load_profile(path)
    path.write_text("{}")
    with pytest.raises(ProfileError, match="not a profile of format 1"):
        load_profile(path)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("layers",), "abc", "`layers` is 'abc', not a whole number"),
        (("layers",), 31, "`layers` is 31, but llama-3.1-8b has 32"),
        (("model",), "me/Foo-9B", "`model`: unknown model 'me/Foo-9B'"),
        (("tables", "1", "dense"), {}, "`tables.1.dense` is empty"),
        (("tables", "1", "dense", "act_fn"), "x", "`tables.1.dense.act_fn` is 'x'"),
        (("tables", "1", "dense", "act_fn"), [[1, -5]], "`tables.1.dense.act_fn.0` is [1, -5]"),
        (("tables", "1", "attention"), [], "`tables.1.attention` is empty"),
        (("tables", "1", "attention"), [[0, 0, 1]], "`tables.1.attention` needs rows of 5"),
        (("fits", "1"), None, "`fits.1.decode` is no list of numbers"),
    ],
)
def test_every_damaged_part_of_a_saved_profile_is_named(
    profile: Profile, tmp_path: Path, path: tuple[str, ...], value: object, said: str
) -> None:
    """With the file, and by its path, as JSON on one line has no others."""
    file = tmp_path / "p.json"
    profile.save(file)
    document = here = json.loads(file.read_text())
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = value
    file.write_text(json.dumps(document))
    with pytest.raises(ProfileError) as caught:
        load_profile(file)
    assert str(caught.value).startswith(f"{file}:1:1: ") and said in str(caught.value)


def test_the_order_of_rows_in_a_saved_profile_says_nothing(
    profile: Profile, tmp_path: Path
) -> None:
    file = tmp_path / "p.json"
    profile.save(file)
    document = json.loads(file.read_text())
    for kind in ("dense", "per_sequence"):
        for rows in document["tables"]["1"][kind].values():
            rows.reverse()
    file.write_text(json.dumps(document))
    assert load_profile(file).step_time().decode(7).at(500.0) == profile.step_time().decode(7).at(
        500.0
    )


def test_experts_are_read_from_their_own_table(tmp_path: Path) -> None:
    """A mixture of experts takes the time at the number of experts its tokens touch."""
    copy = tmp_path / "copy"
    shutil.copytree(FOLDER, copy)
    (copy / "profile_meta.yaml").write_text("model: Qwen/Qwen3-30B-A3B\ngpu: H100\n")
    rows = ["tokens,activated_experts,time_us"]
    rows += [f"{t},{e},{10 * e + t}" for t in (1, 64, 2048) for e in (8, 64, 128)]
    guessed = calibrate(copy)
    assert "experts not measured" in guessed.source
    # 128 experts of 3 x 2048 x 768 weights of 2 bytes at 80 % of 3.35 TB/s.
    longest = max(guessed.tables[1].moe, key=lambda row: (row[1], -row[0]))
    assert longest[2] == pytest.approx(128 * 3 * 2048 * 768 * 2 / (0.8 * 3.35e12) * 1e6)
    path = copy / "profile_tp1_moe.csv"
    path.write_text("\n".join(rows[:1] + [f"{t},{e},1e-9" for t in (1, 64) for e in (8, 128)]))
    plain = calibrate(copy).step_time()
    path.write_text("\n".join(rows))
    for kind in ("dense", "attention", "per_sequence"):
        shutil.copy(copy / f"profile_tp1_{kind}.csv.gz", copy / f"profile_tp2_{kind}.csv.gz")
    profile = calibrate(copy)
    assert profile.tables[2].moe[0][2] == profile.tables[1].moe[0][2] / 2
    times = profile.step_time()
    extra = (times.token_s(1) - plain.token_s(1)) / 48
    assert extra == pytest.approx((10 * 8 + 1) * 1e-6)
    extra = (times.token_s(2048) - plain.token_s(2048)) / 48
    assert extra == pytest.approx((10 * 128 + 2048) * 1e-6, rel=1e-3)
    assert Generation(1, 1).tokens == 1
