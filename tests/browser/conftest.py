"""Real reports in a real browser: Debian's chromium, driven by Playwright."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def unavailable(reason: str) -> None:
    """Skip on a machine without a browser; in CI, where there must be one, fail."""
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(f"{reason}, and CI is set")
    pytest.skip(f"{reason}; see docs/report.md on how to run the browser tests")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        unavailable("chromium is not installed")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        unavailable("playwright is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


class Watched:
    """A page and everything it said or asked for since it was opened."""

    def __init__(self, page: Any, path: Path) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        self.address = path.as_uri()
        page.goto(self.address)
        page.wait_for_selector("html[data-ready]", timeout=30_000)

    def _said(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def asked_for(self) -> list[str]:
        """Requests for anything but the file itself and data inside it."""
        return [
            url for url in self.requests
            if url.partition("#")[0] != self.address and not url.startswith(("data:", "blob:"))
        ]  # fmt: skip


@pytest.fixture
def open_report(browser: Any) -> Iterator[Callable[..., Watched]]:
    """A function that opens a report: light or dark, on a screen of some width."""
    contexts = []

    def opened(path: Path, scheme: str = "light", width: int = 1280) -> Watched:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, accept_downloads=True
        )
        contexts.append(context)
        return Watched(context.new_page(), path)

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def make_report(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A function that runs the product and returns the report; the same run only once."""
    made: dict[tuple[str, ...], Path] = {}

    def make(*words: str) -> Path:
        if words not in made:
            folder = tmp_path_factory.mktemp("report")
            done = subprocess.run(
                [sys.executable, "-m", "simulator", *words, "--quiet", "--out", str(folder)],
                cwd=ROOT, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode in {0, 99}, done.stderr or done.stdout
            made[words] = folder / "index.html"
        return made[words]

    return make
