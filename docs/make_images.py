"""Make the pictures of the README from a real run: ``python docs/make_images.py``.

Needs chromium and the packages of the ``dev`` extra. Runs the design of the README, opens its
report without a window and keeps the top of it, in light and in dark.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
COMMAND = ("topologies/llm_gateway.yaml", "--rps", "500")
WIDTH, HEIGHT = 1280, 1440
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")


def main() -> None:
    """Run, open, keep."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "simulator", *COMMAND, "--quiet", "--out", folder],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            check=False,
        )
        photograph(Path(folder) / "index.html")


def photograph(report: Path) -> None:
    """Write ``report.png`` and ``report-dark.png``."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for scheme, name in (("light", "report.png"), ("dark", "report-dark.png")):
            page = browser.new_page(
                viewport={"width": WIDTH, "height": HEIGHT},
                color_scheme="dark" if scheme == "dark" else "light",
            )
            page.goto(report.as_uri())
            page.wait_for_selector("html[data-ready]")
            page.screenshot(path=IMAGES / name)
        browser.close()


if __name__ == "__main__":
    main()
