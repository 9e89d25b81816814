"""What a person sees while slow work goes on: a bar with time left on a terminal, plain lines in a log file."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Watch:
    """`with Watch(console) as watch`: `start` a counted piece of work, `advance` it, `say` a line."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
        )
        self._bars = Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal)
        self._bar = self._bars.add_task("", total=None, visible=False)
        self._began = time.monotonic()

    def __enter__(self) -> "Watch":
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def start(self, what: str, total: int) -> None:
        """Begin a piece of work of `total` equal steps."""
        self._bars.reset(self._bar, total=total, description=what, visible=True)

    def advance(self, done: int) -> None:
        """`done` of the steps are behind us."""
        self._bars.update(self._bar, completed=done)

    def say(self, line: str) -> None:
        """One line, with the minutes since the start."""
        self.console.print(f"[dim]{(time.monotonic() - self._began) / 60:5.1f} min[/]  {line}", highlight=False)
