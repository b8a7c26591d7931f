"""Long form of the theory cases: intervals and tolerances. ``python -m tests.theory``."""

import sys

from tests.theory.measuring import intervals
from tests.theory.stations import CASES


def main() -> None:
    """Print expected, simulated, interval and verdict of every figure."""
    misses = 0
    print(f"{'case':<28} {'figure':<18} {'expected':>10} {'simulated':>10}   95 % interval")
    for case in CASES:
        for measure, found in intervals(case, 0.95, scale=4.0, jobs=2).items():
            expected = case.expected[measure]
            close = abs(found.value - expected) <= case.allowed(measure)
            misses += not close
            verdict = "ok" if close else "MISS"
            print(
                f"{case.id:<28} {measure:<18} {expected:>10.5g} {found.value:>10.5g}   "
                f"[{found.low:.5g}, {found.high:.5g}]  {verdict}"
            )
    sys.exit(1 if misses else 0)


if __name__ == "__main__":
    main()
