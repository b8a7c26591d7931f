"""Comparison with figures as books and papers print them."""

import pytest


def rounded(value: float, digits: int) -> object:
    """Equality with a figure printed with ``digits`` decimals, to one unit of the last of them."""
    return pytest.approx(value, abs=1.0000001 * 10**-digits)
