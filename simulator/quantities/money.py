"""Prices: ``$2.48/h`` a time, ``$10/Mtok`` a token, ``$1/1k requests`` an item, ``$0.09/GB``.

Grammar (spaces are free)::

    money     ::= "$" number multiplier?                                      ("k", "M", "B", "T")
    per hour  ::= money "/" period           ("s", "min", "h", "day", "week", "month", "year")
    per token ::= money "/" multiplier? ("tok" | "token" | "tokens")
    per item  ::= money ("/" number? multiplier? noun?)?
    per byte  ::= money "/" size unit

A month is a twelfth of 365 days: 730 hours, the convention of cloud price lists.
"""

import re
from collections.abc import Callable

from simulator.quantities.grammar import (
    MULTIPLIERS,
    NUMBER,
    UNIT_MISSING,
    Dimension,
    QuantityError,
    bare_number,
    refuse_syntax,
    refuse_unless_possible,
    shown,
    text_of,
    three_digits,
    with_multiplier,
)
from simulator.quantities.rate import PERIODS
from simulator.quantities.size import BYTES

_PERIOD = "|".join(sorted(PERIODS, key=len, reverse=True))
_DOLLARS = rf"\$\s*({NUMBER})([kKMBT](?![A-Za-z]))?"
_HOURLY_GRAMMAR = rf"{_DOLLARS}\s*/\s*({_PERIOD})"
_TOKEN_GRAMMAR = rf"{_DOLLARS}\s*/\s*(?:1\s*)?([kKMBT])?\s*tok(?:en|ens)?"
_ITEM_GRAMMAR = rf"{_DOLLARS}(?:\s*/\s*({NUMBER})?\s*([kKMBT](?![A-Za-z]))?\s*([A-Za-z_]+)?)?"
_BYTE_GRAMMAR = rf"{_DOLLARS}\s*/\s*({'|'.join(sorted(BYTES, key=len, reverse=True))})"
_HOURLY = re.compile(_HOURLY_GRAMMAR)
_TOKEN = re.compile(_TOKEN_GRAMMAR)
_ITEM = re.compile(_ITEM_GRAMMAR)
_BYTE = re.compile(_BYTE_GRAMMAR)
_MONEY = re.compile(_DOLLARS)
_NO_ITEMS = frozenset(PERIODS) | frozenset(BYTES)


def _dollar_text(value: object, what: str, forms: str, bare: str) -> str | None:
    """The text of a price, or None for 0; a number without its dollar sign is refused."""
    if bare_number(value) is None and isinstance(value, str) and re.match(r"\s*[0-9.]", value):
        raise QuantityError(UNIT_MISSING, f"got {shown(value)}, {what} starts with $: {forms}")
    return text_of(value, what, forms, bare)


def _dollars(match: re.Match[str]) -> float:
    return float(match[1]) * MULTIPLIERS.get(match[2] or "", 1.0)


def parse_usd_per_hour(value: object) -> float:
    """Read a price a time, ``$2.48/h``, to dollars per hour; raises QuantityError."""
    what, forms = "a price over time", "$2.48/h, $300/month"
    text = _dollar_text(value, what, forms, "${0}/h")
    if text is None:
        return 0.0
    match = _HOURLY.fullmatch(text)
    if match is None:
        raise refuse_syntax(value, what, forms)
    hours = PERIODS[match[3]] / PERIODS["h"]
    return refuse_unless_possible(value, _dollars(match) / hours, what)


def parse_usd_per_token(value: object) -> float:
    """Read a price a token, ``$10/Mtok``, to dollars per token; raises QuantityError."""
    what, forms = "a price a token", "$10/Mtok, $0.5/ktok"
    text = _dollar_text(value, what, forms, "${0}/Mtok")
    if text is None:
        return 0.0
    match = _TOKEN.fullmatch(text)
    if match is None:
        raise refuse_syntax(value, what, forms)
    price = _dollars(match) / MULTIPLIERS.get(match[3] or "", 1.0)
    return refuse_unless_possible(value, price, what)


def parse_usd_per_item(value: object) -> float:
    """Read a price an item, ``$0.002`` or ``$1/1k requests``, to dollars; raises QuantityError."""
    what, forms = "a price an item", "$0.002, $1/1k requests"
    text = _dollar_text(value, what, forms, "${0}, ${0}/1k")
    if text is None:
        return 0.0
    match = _ITEM.fullmatch(text)
    if match is None or match[5] in _NO_ITEMS:
        raise refuse_syntax(value, what, forms)
    items = float(match[3] or 1) * MULTIPLIERS.get(match[4] or "", 1.0)
    price = _dollars(match) / items if items else float("inf")
    return refuse_unless_possible(value, price, what)


def parse_usd_per_byte(value: object) -> float:
    """Read a price of data, ``$0.09/GB``, to dollars per byte; raises QuantityError."""
    what, forms = "a price of data", "$0.09/GB, $0.02/TB"
    text = _dollar_text(value, what, forms, "${0}/GB")
    if text is None:
        return 0.0
    match = _BYTE.fullmatch(text)
    if match is None:
        raise refuse_syntax(value, what, forms)
    return refuse_unless_possible(value, _dollars(match) / BYTES[match[3]], what)


def parse_usd(value: object) -> float:
    """Read an amount, ``$41.20`` or ``$3k``, to dollars; raises QuantityError."""
    what, forms = "an amount of money", "$41.20, $3k"
    text = _dollar_text(value, what, forms, "${0}")
    if text is None:
        return 0.0
    match = _MONEY.fullmatch(text)
    if match is None:
        raise refuse_syntax(value, what, forms)
    return refuse_unless_possible(value, _dollars(match), what)


def format_usd(usd: float) -> str:
    """Print dollars: cents from one to a thousand dollars, else three significant digits."""
    if 1 <= abs(usd) < 1_000:
        return f"${usd:.2f}"
    return f"${with_multiplier(usd)}" if abs(usd) >= 1 else f"${three_digits(usd)}"


def format_usd_per_hour(usd_per_hour: float) -> str:
    """Print a price over time: ``$41.20/h``."""
    return f"{format_usd(usd_per_hour)}/h"


def format_usd_per_token(usd_per_token: float) -> str:
    """Print a price a token in dollars per million tokens: ``$10.00/Mtok``."""
    return f"{format_usd(usd_per_token * 1e6)}/Mtok"


def format_usd_per_item(usd_per_item: float) -> str:
    """Print a price an item; below a cent, for a thousand of them: ``$0.40/1k``."""
    if 0 < usd_per_item < 0.01:
        return f"{format_usd(usd_per_item * 1e3)}/1k"
    return format_usd(usd_per_item)


def format_usd_per_byte(usd_per_byte: float) -> str:
    """Print a price of data in dollars per gigabyte: ``$0.09/GB``."""
    return f"{format_usd(usd_per_byte * 1e9)}/GB"


def _dimension(
    name: str,
    part: str,
    grammar: str,
    examples: tuple[str, ...],
    read: Callable[[object], float],
    show: Callable[[float], str],
    description: str,
) -> Dimension:
    return Dimension(
        name, part, read, show, examples, rf"^\s*{grammar}\s*$", description, {"const": 0}
    )


USD_PER_HOUR = _dimension(
    "price over time",
    "UsdPerHour",
    _HOURLY_GRAMMAR,
    ("$2.48/h", "$300/month"),
    parse_usd_per_hour,
    format_usd_per_hour,
    "A price over time: $2.48/h, also /s, /min, /day, /month, /year.",
)
USD_PER_TOKEN = _dimension(
    "price a token",
    "UsdPerToken",
    _TOKEN_GRAMMAR,
    ("$10/Mtok", "$0.5/ktok"),
    parse_usd_per_token,
    format_usd_per_token,
    "A price a token: $10/Mtok, $0.5/ktok.",
)
USD_PER_ITEM = _dimension(
    "price an item",
    "UsdPerItem",
    _ITEM_GRAMMAR,
    ("$0.002", "$1/1k requests"),
    parse_usd_per_item,
    format_usd_per_item,
    "A price an item: $0.002, $1/1k requests, $5/10k.",
)
USD_PER_BYTE = _dimension(
    "price of data",
    "UsdPerByte",
    _BYTE_GRAMMAR,
    ("$0.09/GB", "$0.02/TB"),
    parse_usd_per_byte,
    format_usd_per_byte,
    "A price of data: $0.09/GB.",
)
USD = _dimension(
    "amount of money",
    "Usd",
    _DOLLARS,
    ("$41.20", "$3k"),
    parse_usd,
    format_usd,
    "An amount of dollars: $41.20, $3k.",
)
