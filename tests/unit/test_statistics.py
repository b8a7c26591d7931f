"""Statistical calculations against published tables and closed forms."""

import math

import pytest

from simulator.topology.statistics import Statistic


def results(key: str, **fields: object) -> dict[str, float]:
    return Statistic.pick({key: fields}).results()


def test_false_alarms_of_repeated_looks_match_the_published_table() -> None:
    # Armitage, McPherson, Rowe 1969, table 2: repeated tests at the 5 % level.
    published = {1: 0.050, 2: 0.083, 3: 0.107, 4: 0.126, 5: 0.142, 10: 0.193, 20: 0.248}
    for looks, rate in published.items():
        found = results("peeking", looks=looks)["false_positive_rate"]
        assert found == pytest.approx(rate, abs=0.0006), looks


def test_corrected_level_is_that_of_pocock() -> None:
    # Pocock 1977, table 1, for an overall level of 5 %.
    for looks, level in {2: 0.0294, 3: 0.0221, 4: 0.0182, 5: 0.0158, 10: 0.0106}.items():
        assert results("peeking", looks=looks)["corrected_alpha"] == pytest.approx(level, abs=2e-4)


def test_two_proportions_agree_with_the_chi_squared_test() -> None:
    from scipy.stats import chi2_contingency

    arms = {"control": {"share": "12%", "n": 5000}, "treatment": {"share": "14%", "n": 5000}}
    found = results("two_proportions", **arms)
    table = [[600, 4400], [700, 4300]]
    other = chi2_contingency(table, correction=False)
    assert found["p_value"] == pytest.approx(other.pvalue, rel=1e-9)
    assert found["z"] ** 2 == pytest.approx(other.statistic, rel=1e-9)
    assert found["low"] < found["difference"] < found["high"]
    assert found["difference"] == pytest.approx(0.02)
    assert found["lift"] == pytest.approx(1 / 6)


def test_sample_size_gives_the_power_it_promises() -> None:
    size = results("sample_size", baseline="10%", lift="10%", traffic="10k/day", allocation="50%")
    assert size["days"] == pytest.approx(size["total"] / 5000)
    power = results("power", baseline="10%", lift="10%", n=int(size["per_arm"]))
    assert power["power"] == pytest.approx(0.8, abs=0.001)
    assert power["detectable_lift"] == pytest.approx(0.1, rel=0.001)


def test_a_smaller_lift_needs_more() -> None:
    sizes = [results("sample_size", baseline="10%", lift=f"{lift}%")["per_arm"] for lift in (5, 10)]
    assert sizes[0] / sizes[1] == pytest.approx(4.0, rel=0.05)


def test_wilson_interval_of_a_published_example() -> None:
    # Newcombe 1998, table I, method 3: 81 of 263 at 95 %.
    found = results("proportion", share=81 / 263, n=263)
    assert found["low"] == pytest.approx(0.2553, abs=5e-5)
    assert found["high"] == pytest.approx(0.3662, abs=5e-5)


def test_interval_of_a_mean() -> None:
    # t(0.975; 9) = 2.262
    found = results("mean", mean=5, deviation=2, n=10)
    assert found["half_width"] == pytest.approx(2.2622 * 2 / math.sqrt(10), rel=1e-4)


def test_several_comparisons() -> None:
    found = results("comparisons", count=3, alpha="5%")
    assert found["false_positive_rate"] == pytest.approx(1 - 0.95**3)
    assert found["bonferroni"] == pytest.approx(0.05 / 3)
    assert 1 - (1 - found["sidak"]) ** 3 == pytest.approx(0.05)
