"""A page: a head, sections made of blocks, and everything they need in one file."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from simulator.present.html.blocks import Block, Drawing, Report
from simulator.present.html.section import sections_of
from simulator.present.numbers import finite

ASSETS = Path(__file__).parent / "assets"
PLOTLY = "plotly-cartesian.min.js"
SCRIPT = "page.js"
CODE = re.compile(r"`([^`]+)`")
EXACT = re.compile(r"(?<![\w(])([-$]?\d[\w.,$/% \u00a0]{0,24}?)(?<!/) (\([-$]?\d[^()]*\))")
"""A figure as one says it, and the exact one behind it in brackets."""


@dataclass(frozen=True)
class Head:
    """The top of a page: what was asked, the answer in a sentence, and how to ask again."""

    title: str
    summary: str = ""
    status: str = ""
    verdict: str = ""
    facts: Sequence[str] = ()
    command: str = ""


@dataclass(frozen=True)
class FilledSection:
    """A section with its blocks, ready for the template."""

    name: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """A composition of sections under one head.

    ``data`` is embedded for whoever wants to go on computing; it is what the download saves.
    """

    head: Head
    sections: Sequence[FilledSection]
    data: Any = None


def compose(page: str, head: Head, report: Report) -> Page:
    """The page of a kind (``run``, ``compare``, ...) filled from a report."""
    filled = []
    for section in sections_of(page):
        blocks = section.blocks(report)
        if blocks:
            filled.append(FilledSection(section.name, section.title, blocks))
    return Page(head, filled, {"document": report.document, "tables": report.tables})


def render_page(page: Page) -> str:
    """The page as one HTML file. The same page gives the same bytes.

    All scripts are in the file and named by hash in its security policy: the browser runs nothing
    else and asks the network for nothing.
    """
    drawn = [block for section in page.sections for block in section.blocks]
    scripts = [_asset(SCRIPT)]
    if any(isinstance(block, Drawing) and block.spec is not None for block in drawn):
        scripts.insert(0, _asset(PLOTLY))
    policy = "; ".join(
        (
            "default-src 'none'",
            "script-src " + " ".join(_hash(script) for script in scripts),
            "style-src 'unsafe-inline'",
            "img-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            page=page,
            policy=policy,
            style=Markup(_asset("page.css")),
            scripts=[Markup(script) for script in scripts],
        )
    )


def embedded_json(value: Any) -> Markup:
    """JSON that can stand inside a script element, whatever text it holds.

    What is no number becomes null.
    """
    text = json.dumps(finite(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def marked(text: str) -> Markup:
    """Text as markup: `code` between backticks, exact figures set apart; the rest is escaped."""
    found = CODE.sub(r"<code>\1</code>", str(escape(text)))
    return Markup(EXACT.sub(r'\1 <span class="exact">\2</span>', found))


@cache
def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


@cache
def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["marked"] = marked
    environment.filters["embedded_json"] = embedded_json
    return environment
