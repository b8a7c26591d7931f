"""Every validation case in its short form: published figures and closed forms."""

import pytest

from tests.validation.cases import LEVEL_SHORT, SHORT, load_cases

LOADED = load_cases()


@pytest.mark.parametrize("number", LOADED)
def test_case_agrees_with_its_source(number: str) -> None:
    # A 99.9 % interval per figure: a correct simulator fails one figure in a thousand, and the
    # seeds are fixed, so a failure that appears is a change of the model and not of the weather.
    apart = [
        f"{finding.name}: expected {finding.expected.value:g}, "
        f"simulated {finding.value:g} [{finding.low:g}, {finding.high:g}]"
        for finding in LOADED[number].findings(SHORT, LEVEL_SHORT)
        if not finding.touches and not finding.expected.known_miss
    ]
    assert not apart, f"{number}: " + "; ".join(apart)
