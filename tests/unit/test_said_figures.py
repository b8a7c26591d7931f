"""Figures as one says them, and the exact values beside them."""

import pytest

from simulator.interview.numbers import Figure, aloud, exact


@pytest.mark.parametrize(
    ("value", "unit", "said", "written"),
    [
        (0.04886, "s", "49 ms", "48.86 ms"),
        (2.001e-8, "s", "20 ns", "20.01 ns"),
        (0.0, "s", "0 s", "0 s"),
        (0.999929, "share", "99.993%", "99.9929%"),
        (1.0, "share", "100%", "100%"),
        (0.116997, "share", "12%", "11.6997%"),
        (
            1_167_062.0,
            "USD/month",
            "$1.2M/month",
            "$1\N{NO-BREAK SPACE}167\N{NO-BREAK SPACE}062/month",
        ),
        (3.6874, "USD/1k requests", "$3.7 per 1k requests", "$3.6874 per 1k requests"),
        (130.0, "s", "2.2 min", "2.167 min"),
        (1.2988, "x", "1.3x", "1.2988x"),
        (1.016, "x", "1.02x", "1.016x"),
        (0.006631, "p", "p = 0.0066", "p = 0.006631"),
        (1.0, "stable", "stable", "stable"),
        (42.5, "GPUs", "43 GPUs", "42.5 GPUs"),
        (0.978465, "share", "97.8%", "97.8465%"),
        (0.9, "share", "90%", "90%"),
        (0.99676, "x", "0.997x", "0.99676x"),
        (1.0, "servers", "1 server", "1 server"),
        (-0.012, "points", "-1.2 points", "-1.2 points"),
        (927.92, "requests/s", "930 requests/s", "927.92 requests/s"),
        (-0.0014, "s", "-1.4 ms", "-1.4 ms"),
    ],
)
def test_a_figure_is_said_and_written(value: float, unit: str, said: str, written: str) -> None:
    assert aloud(value, unit) == said
    assert exact(value, unit) == written


def test_a_figure_has_a_unit_and_its_interval_is_in_it() -> None:
    with pytest.raises(AssertionError):
        Figure(1.0, "")
    assert Figure(66.96, "s", 62.73, 131.2).both == "67 s (66.96 s [62.73 s, 131.2 s])"
    assert Figure(115.5, "s", 60.0, 180.0).both == "1.9 min (1.925 min [1 min, 3 min])"
    rate = Figure(4052.8, "requests/s", 3855.5, 4250.1)
    assert rate.exact.replace("\N{NO-BREAK SPACE}", " ") == "4 052.8 [3 855.5, 4 250.1] requests/s"
    cost = Figure(5.5439, "USD/1k requests", 5.278, 5.8099)
    assert cost.exact == "$5.5439 [$5.278, $5.8099] per 1k requests"
    assert Figure(6840.1, "USD/month", 6840.09, 6840.11).exact == "$6\N{NO-BREAK SPACE}840.1/month"


def test_a_figure_without_a_value_is_a_dash() -> None:
    assert Figure(None, "s").both == Figure(None, "s").beside == "–"


@pytest.mark.parametrize(
    ("value", "unit", "bound", "said"),
    [
        (0.202, "s", "<=200ms", "202 ms"),
        (0.3049, "s", "<300 ms", "304.9 ms"),
        (0.99496, "share", ">99.5%", "99.496%"),
        (0.202, "s", "<1.2s", "200 ms (202 ms)"),
        (0.002, "s", "<12 ms", "2 ms"),
        (0.9, "share", ">90%", "90%"),
    ],
)
def test_rounding_never_says_the_bound(value: float, unit: str, bound: str, said: str) -> None:
    assert Figure(value, unit).judged(bound) == said
