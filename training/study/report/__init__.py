"""The study's page: the answer first, then every figure with its interval and its runs. No photograph is in it."""

from training.study.report.write import write_page

__all__ = ["write_page"]
