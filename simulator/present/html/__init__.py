"""The HTML report: one file that opens from disk and asks nothing of the network.

A :class:`Page` is a title and sections; sections and figures are found by discovery, see
:mod:`simulator.present.html.section` and :mod:`simulator.present.html.figure`.
"""

from simulator.present.html.blocks import Report
from simulator.present.html.page import Page, render_page
from simulator.present.html.report import render_report

__all__ = ["Page", "Report", "render_page", "render_report"]
