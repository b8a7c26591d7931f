"""Plain scalars of YAML 1.2 by its core schema (yaml.org/spec/1.2.2, section 10.3)."""

import re

_INTEGER = re.compile(r"[-+]?[0-9]{1,40}")
_OCTAL = re.compile(r"0o[0-7]{1,40}")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]{1,40}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    ".nan": float("nan"),
    ".NaN": float("nan"),
    ".NAN": float("nan"),
    **{f"{sign}.{word}": float("inf") for sign in ("", "+") for word in ("inf", "Inf", "INF")},
    **{f"-.{word}": float("-inf") for word in ("inf", "Inf", "INF")},
}
_STARTS_A_NUMBER = frozenset("0123456789+-.")


def plain_scalar(text: str) -> str | int | float | bool | None:
    """The value of an unquoted scalar: null, a boolean, a number, or else the text itself.

    Integers of more than forty digits stay texts: no quantity has them, and reading a million
    digits takes time.
    """
    if text in _SPECIAL:
        return _SPECIAL[text]
    if text[0] not in _STARTS_A_NUMBER:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and len(text) <= 400:
        return float(text)
    if _OCTAL.fullmatch(text):
        return int(text[2:], 8)
    if _HEXADECIMAL.fullmatch(text):
        return int(text, 16)
    return text


def whole_text(text: str) -> str:
    """The text with surrogate pairs of JSON escapes joined, and lone surrogates replaced."""
    if text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def as_scalar(text: str) -> str | int | float | bool | None:
    """The value of a text as if it stood unquoted in a document, for ``--set PATH=VALUE``."""
    return plain_scalar(text.strip())
