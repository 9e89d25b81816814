"""The report of a job: `report.html`, one file that needs nothing else, and `report.json`, the same figures."""

from training.report.write import write_report

__all__ = ["write_report"]
