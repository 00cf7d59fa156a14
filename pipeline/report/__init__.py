"""The report: one self-contained page beside the manifest that shows what a job has become."""

from pipeline.report.data import ReportData, Totals, collect
from pipeline.report.night import Night
from pipeline.report.render import render, write

__all__ = ["Night", "ReportData", "Totals", "collect", "render", "write"]
