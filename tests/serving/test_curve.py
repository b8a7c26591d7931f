"""Sums of piecewise linear functions in closed form."""

from hypothesis import given
from hypothesis import strategies as st

from simulator.serving.curve import PiecewiseLinear
from simulator.serving.step_time import Straggler

CURVE = PiecewiseLinear([0.0, 10.0, 11.0, 100.0], [5.0, 6.0, 9.0, 4.0])


@given(st.floats(-20, 150), st.integers(1, 300), st.sampled_from([1.0, 0.5, 2.75, 30.0]))
def test_total_is_the_sum_of_single_values(x: float, steps: int, stride: float) -> None:
    """The closed form equals the loop it replaces."""
    one_by_one = sum(CURVE.at(x + stride * i) for i in range(steps))
    scale = sum(abs(CURVE.at(x + stride * i)) for i in range(steps))
    assert abs(CURVE.total(x, steps, stride) - one_by_one) <= 1e-9 * scale


@given(st.floats(1, 500), st.floats(0, 2000), st.floats(1, 6), st.integers(1, 500))
def test_straggler_total_is_the_sum_of_single_steps(
    mean: float, further: float, waves: float, steps: int
) -> None:
    """The tail shrinks linearly to zero and stays there."""
    tail = Straggler(1.0, waves)
    one_by_one = sum(tail.seconds(mean + i, mean + further + i) for i in range(steps))
    assert abs(tail.total(mean, mean + further, steps, 1.0) - one_by_one) <= 1e-6 * (1 + one_by_one)


def test_values_beyond_the_knots_follow_the_last_slope() -> None:
    """Nothing is clamped silently: the ends are extended."""
    assert CURVE.at(-10.0) == 4.0
    assert abs(CURVE.at(189.0) - (4.0 - 5.0)) < 1e-9
