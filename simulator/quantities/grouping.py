"""Digits in groups of three."""

GROUP_SPACE = "\N{NO-BREAK SPACE}"
"""Between groups of digits, as the SI asks for, without a number ever being broken over lines."""


def grouped(number: float, places: int = 0) -> str:
    """A number with so many decimal places, its thousands apart: ``106 613``."""
    return f"{number:,.{places}f}".replace(",", GROUP_SPACE)


def told_ratio(number: float) -> str:
    """A ratio with two decimal places, without digits that mean nothing where it is large."""
    if number < 1000.0:
        return f"{number:.2f}"
    return grouped(float(f"{number:.3g}")) if number < 1e9 else f"{number:.3g}"
