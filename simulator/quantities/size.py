"""Sizes and bandwidths: ``80GB``, ``16GiB``, ``4KB`` to bytes; ``10Gbit/s`` to bytes per second.

Decimal prefixes are powers of 1000 and the ``i`` prefixes powers of 1024 (IEC 80000-13), so a
80GB card has 80 * 10^9 bytes and 16GiB are 16 * 2^30.
"""

import re

from simulator.quantities.grammar import (
    NUMBER,
    Dimension,
    refuse_syntax,
    refuse_unless_possible,
    text_of,
    three_digits,
)

_PREFIXES = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
BYTES = {f"{prefix}B": factor for prefix, factor in _PREFIXES.items()} | {
    f"{prefix}iB": 1024.0**power for power, prefix in enumerate("KMGTPE", start=1)
}
"""Bytes in each unit of a size."""

_BITS = {
    f"{prefix}{bit}": factor / 8
    for prefix, factor in _PREFIXES.items()
    for bit in ("bit", "b")
    if prefix or bit == "bit"
}
_SIZE_UNIT = "|".join(sorted(BYTES, key=len, reverse=True))
_BAND_UNIT = "|".join(sorted([*BYTES, *_BITS], key=len, reverse=True))
_SIZE_GRAMMAR = rf"({NUMBER})\s*({_SIZE_UNIT})"
_BAND_GRAMMAR = rf"({NUMBER})\s*({_BAND_UNIT})(?:/s|ps)"
_SIZE = re.compile(_SIZE_GRAMMAR)
_BANDWIDTH = re.compile(_BAND_GRAMMAR)
_SIZE_FORMS = "80GB, 16GiB, 4KB"
_BAND_FORMS = "10Gbit/s, 25Gbps, 200MB/s"


def parse_size(value: object) -> float:
    """Read a size of the document to bytes; raises QuantityError."""
    text = text_of(value, "a size", _SIZE_FORMS, "{0}KB, {0}GB")
    if text is None:
        return 0.0
    match = _SIZE.fullmatch(text)
    if match is None:
        raise refuse_syntax(value, "a size", _SIZE_FORMS)
    return refuse_unless_possible(value, float(match[1]) * BYTES[match[2]], "a size")


def parse_bandwidth(value: object) -> float:
    """Read a bandwidth of the document to bytes per second; raises QuantityError."""
    text = text_of(value, "a bandwidth", _BAND_FORMS, "{0}Mbit/s, {0}MB/s")
    if text is None:
        return 0.0
    match = _BANDWIDTH.fullmatch(text)
    if match is None:
        raise refuse_syntax(value, "a bandwidth", _BAND_FORMS)
    factor = BYTES.get(match[2]) or _BITS[match[2]]
    return refuse_unless_possible(value, float(match[1]) * factor, "a bandwidth")


def format_size(size_bytes: float) -> str:
    """Print bytes with three significant digits and a decimal prefix: ``80GB``, ``4KB``."""
    rounded = abs(float(three_digits(size_bytes)))
    for unit in ("EB", "PB", "TB", "GB", "MB", "KB"):
        if rounded >= BYTES[unit]:
            return three_digits(size_bytes / BYTES[unit]) + unit
    return f"{three_digits(size_bytes)}B"


def format_bandwidth(bytes_per_second: float) -> str:
    """Print a bandwidth in bytes per second: ``1.25GB/s``."""
    return f"{format_size(bytes_per_second)}/s"


SIZE = Dimension(
    name="size",
    part="Size",
    read=parse_size,
    show=format_size,
    examples=("80GB", "16GiB", "4KB"),
    pattern=rf"^\s*{_SIZE_GRAMMAR}\s*$",
    description="A number of bytes with its unit (B, KB, MB, GB, TB, KiB, MiB, GiB ...), or 0.",
    plain={"const": 0},
)
BANDWIDTH = Dimension(
    name="bandwidth",
    part="Bandwidth",
    read=parse_bandwidth,
    show=format_bandwidth,
    examples=("10Gbit/s", "25Gbps", "200MB/s"),
    pattern=rf"^\s*{_BAND_GRAMMAR}\s*$",
    description="Data per second in bits or bytes: 10Gbit/s, 25Gbps, 200MB/s.",
    plain={"const": 0},
)
