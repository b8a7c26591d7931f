"""Formulas of a document: arithmetic over numbers with units and names, and nothing else.

::

    sum     ::= term (("+" | "-") term)*
    term    ::= factor (("*" | "/" | "per") factor)*
    factor  ::= "-" factor | product
    product ::= power word-power*                     a space multiplies, tighter than "/"
    power   ::= atom ("^" factor)?
    atom    ::= number | "$" number | word | "[" word "]" | function "(" sum ("," sum)* ")"
              | "(" sum ")"
    number  ::= decimal multiplier? "%"?              multiplier: k K M B T, glued on

A word is a name or a unit: ``latency.p(99)``, ``daily_users``, ``GPU``. Text is read by a parser of
our own and never by Python, its length and depth are limited, and all numbers are floats.
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from simulator.quantities.grammar import MULTIPLIERS, NUMBER, QUANTITY_SYNTAX, QuantityError, shown

LENGTH_MAX = 400
DEPTH_MAX = 30
EXPONENT_MAX = 64.0
FUNCTIONS = frozenset(
    {
        "min", "max", "sum", "abs", "sqrt", "ceil", "floor", "round", "log2", "log10", "ln", "exp",
    }
)  # fmt: skip
"""Functions of a formula."""

_PART = r"[A-Za-z_][A-Za-z0-9_]*"
_AGGREGATE = r"p\(\s*[0-9]+(?:\.[0-9]+)?\s*\)|p[0-9]+\.[0-9]+"
_TOKEN = re.compile(
    rf"\s*(?:(?P<number>(?:{NUMBER})(?:_[0-9]{{3}})*"
    rf"(?P<multiplier>[kKMBT](?![A-Za-z0-9_]))?\s*(?P<percent>%)?)"
    rf"|(?P<word>{_PART}(?:\.(?:{_AGGREGATE}|{_PART}))*)"
    rf"|\[\s*(?P<noun>{_PART})\s*\]"
    r"|(?P<mark>\*\*|[-+*/^(),$×÷·−]))"
)
_SAME = {"×": "*", "·": "*", "÷": "/", "−": "-", "**": "^", "per": "/"}


@dataclass(frozen=True)
class Node:
    """A part of a formula: ``what`` it is, its text or number, and the parts it is made of."""

    what: str
    value: Any = None
    parts: tuple["Node", ...] = ()

    def words(self) -> Iterator[str]:
        """Every name or unit in it, from left to right."""
        if self.what == "word":
            yield self.value
        for part in self.parts:
            yield from part.words()


@dataclass(frozen=True)
class Formula:
    """A formula that was read: its text and its tree."""

    text: str
    tree: Node

    @property
    def words(self) -> tuple[str, ...]:
        """Names and units it uses, each once, from left to right."""
        return tuple(dict.fromkeys(self.tree.words()))


class FormulaError(ValueError):
    """A formula that has no value: an unknown word, units that do not fit, a division by zero."""


def parse_formula(value: object) -> Formula:
    """Read a formula; raises QuantityError."""
    text = str(value).strip() if isinstance(value, str | int | float) else ""
    if not text or isinstance(value, bool):
        raise _refuse(value, "expected a formula", "for example 10M requests / day")
    if len(text) > LENGTH_MAX:
        raise _refuse(value, f"a formula has at most {LENGTH_MAX} characters", "split it in two")
    return Formula(text, _Parser(text).read())


def _refuse(value: object, message: str, hint: str = "") -> QuantityError:
    return QuantityError(QUANTITY_SYNTAX, f"got {shown(value)}: {message}", hint)


def _tokens(text: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    place = 0
    while place < len(text.rstrip()):
        match = _TOKEN.match(text, place)
        if match is None:
            rest = text[place:].strip()
            raise _refuse(text, f"cannot read {shown(rest, 20)} in a formula")
        place = match.end()
        if match["number"]:
            digits = re.match(r"[0-9._eE+\-]+", match["number"])
            number = float((digits[0] if digits else "0").replace("_", ""))
            number *= MULTIPLIERS.get(match["multiplier"] or "", 1.0)
            found.append(("number", number / 100.0 if match["percent"] else number))
        elif match["word"]:
            word = match["word"].replace(" ", "")
            found.append(("mark", "/") if word == "per" else ("word", word))
        elif match["noun"]:
            found.append(("noun", match["noun"]))
        else:
            found.append(("mark", _SAME.get(match["mark"], match["mark"])))
    return found


class _Parser:
    """Recursive descent over the tokens of one formula."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.place = 0
        self.depth = 0

    def read(self) -> Node:
        """The tree of the whole text."""
        tree = self.sum()
        if self.place < len(self.tokens):
            raise self.stuck()
        return tree

    def stuck(self) -> QuantityError:
        """The refusal at the current token."""
        if self.place >= len(self.tokens):
            return _refuse(self.text, "the formula ends too early")
        what, value = self.tokens[self.place]
        name = f"{value:g}" if what == "number" else value
        return _refuse(self.text, f"did not expect `{name}` there", "a formula is `a / (b * c)`")

    def peek(self) -> tuple[str, Any]:
        """The current token; an empty one at the end."""
        return self.tokens[self.place] if self.place < len(self.tokens) else ("end", None)

    def take(self, *marks: str) -> str | None:
        """The current mark, if it is one of these, and go on."""
        what, value = self.peek()
        if what == "mark" and value in marks:
            self.place += 1
            return str(value)
        return None

    def sum(self) -> Node:
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise _refuse(self.text, f"brackets are nested deeper than {DEPTH_MAX}")
        node = self.term()
        while mark := self.take("+", "-"):
            node = Node(mark, parts=(node, self.term()))
        self.depth -= 1
        return node

    def term(self) -> Node:
        node = self.factor()
        while mark := self.take("*", "/"):
            node = Node(mark, parts=(node, self.factor()))
        return node

    def factor(self) -> Node:
        signs = 0
        while self.take("-"):
            signs += 1
        node = self.product()
        return Node("negative", parts=(node,)) if signs % 2 else node

    def product(self) -> Node:
        node = self.power()
        while self.peek()[0] in ("word", "noun"):
            node = Node("*", parts=(node, self.power()))
        return node

    def power(self) -> Node:
        node = self.atom()
        return Node("^", parts=(node, self.factor())) if self.take("^") else node

    def atom(self) -> Node:
        what, value = self.peek()
        if what in ("number", "word", "noun"):
            self.place += 1
            if what == "word" and value in FUNCTIONS and self.take("("):
                return self.function(str(value))
            return Node(what, value)
        if self.take("$"):
            what, value = self.peek()
            if what != "number":
                raise self.stuck()
            self.place += 1
            return Node("*", parts=(Node("number", value), Node("word", "USD")))
        if self.take("("):
            node = self.sum()
            if not self.take(")"):
                raise self.stuck()
            return node
        raise self.stuck()

    def function(self, name: str) -> Node:
        parts = [self.sum()]
        while self.take(","):
            parts.append(self.sum())
        if not self.take(")"):
            raise self.stuck()
        if name not in ("min", "max", "sum") and len(parts) != 1:
            raise _refuse(self.text, f"`{name}` takes one value")
        return Node("function", name, tuple(parts))


def evaluate(node: Node, word: Callable[[str], Any], noun: Callable[[str], Any]) -> Any:
    """The value of a tree; ``word`` and ``noun`` give the values of words, floats or quantities.

    Raises FormulaError where the arithmetic has no result.
    """
    try:
        return _value(node, word, noun)
    except ZeroDivisionError:
        raise FormulaError("it divides by zero") from None
    except OverflowError:
        raise FormulaError("a number in it is too large") from None
    except (ValueError, ArithmeticError) as error:
        if isinstance(error, FormulaError):
            raise
        raise FormulaError(str(error)) from None


def _value(node: Node, word: Callable[[str], Any], noun: Callable[[str], Any]) -> Any:
    if node.what == "number":
        return node.value
    if node.what == "word":
        return word(node.value)
    if node.what == "noun":
        return noun(node.value)
    parts = [_value(part, word, noun) for part in node.parts]
    if node.what == "function":
        return _function(node.value, parts)
    if node.what == "negative":
        return -parts[0]
    left, right = parts
    if node.what in "+-":
        _refuse_mixed(left, right)
        return left + right if node.what == "+" else left - right
    if node.what == "^":
        return _power(left, right)
    return left * right if node.what == "*" else left / right


def _refuse_mixed(left: Any, right: Any) -> None:
    if unit_dimensions(left) != unit_dimensions(right):
        raise FormulaError(f"cannot add {_unit_of(left)} and {_unit_of(right)}")


def unit_dimensions(value: Any) -> Any:
    """What makes two values comparable; the same for all plain numbers."""
    dimensions = getattr(value, "dimensionality", None)
    return dict(dimensions) if dimensions else {}


def _unit_of(value: Any) -> str:
    units = str(getattr(value, "units", "")).replace("dimensionless", "").replace("thing_", "")
    return f"`{units}`" if units else "a plain number"


def plain_number(value: Any, what: str) -> float:
    """The value as a float; raises FormulaError if it has a unit."""
    if unit_dimensions(value):
        raise FormulaError(f"{what} must be a plain number, not {_unit_of(value)}")
    if hasattr(value, "to_base_units"):
        value = value.to_base_units().magnitude
    return float(value)


def _power(base: Any, exponent: Any) -> Any:
    number = plain_number(exponent, "an exponent")
    if abs(number) > EXPONENT_MAX:
        raise FormulaError(f"an exponent is at most {EXPONENT_MAX:g}")
    result = base**number
    if isinstance(result, complex):
        raise FormulaError("it takes a root of a negative number")
    return result


def _function(name: str, parts: list[Any]) -> Any:
    first = parts[0]
    if name in ("min", "max", "sum"):
        for part in parts[1:]:
            _refuse_mixed(first, part)
        if name == "sum":
            total = first
            for part in parts[1:]:
                total = total + part
            return total
        return min(parts) if name == "min" else max(parts)
    if name == "abs":
        return abs(first)
    if name == "sqrt":
        return _power(first, 0.5)
    if name in ("ceil", "floor", "round"):
        rounding: Callable[[float], int] = {"ceil": math.ceil, "floor": math.floor}.get(name, round)
        if not hasattr(first, "units"):
            return float(rounding(_nearly(float(first))))
        simplest = first.to_reduced_units()
        return type(first)(float(rounding(_nearly(float(simplest.magnitude)))), simplest.units)
    function = {"log2": math.log2, "log10": math.log10, "ln": math.log, "exp": math.exp}[name]
    return function(plain_number(first, f"what `{name}` takes"))


def _nearly(number: float) -> float:
    """The whole number that a value differs from by rounding only, or the value."""
    whole = round(number)
    return float(whole) if abs(number - whole) <= 1e-9 * max(1.0, abs(number)) else number


FormulaText = Annotated[
    Formula,
    BeforeValidator(lambda value: value if isinstance(value, Formula) else parse_formula(value)),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "maxLength": LENGTH_MAX}, {"type": "number"}],
            "description": "Arithmetic with units: numbers, names, + - * / ^, brackets, functions.",
            "examples": ["10M requests / day", "ceil(peak / 100 requests/s)"],
        }
    ),
]
"""A formula of a document."""
