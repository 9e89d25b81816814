"""The log: one JSON object a line, or plain words on a terminal. To standard error."""

import json
import logging
import os
import select
import sys
from datetime import UTC, datetime
from typing import TextIO

JSON, PLAIN = "json", "plain"


class JsonLines(logging.Formatter):
    """A record -> one line of JSON; `extra={"fields": {...}}` adds keys."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the message holds."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class PlainWords(logging.Formatter):
    """For eyes."""

    def format(self, record: logging.LogRecord) -> str:
        """Message, then the fields."""
        fields = " ".join(f"{name}={value}" for name, value in getattr(record, "fields", {}).items())
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        text = f"{level}{record.getMessage()} {fields}".rstrip()
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


class NeverWaits(logging.StreamHandler[TextIO]):
    """Leaves out lines that nobody takes: who reads the log, and stalls, must not stop the server.

    A pipe that polls as writable takes PIPE_BUF bytes at once. The next line that is taken says how many were not.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._left_out = 0
        self._begun = ""  # ends a line of which only the start was taken
        self._writable = select.poll()
        try:
            self._file = stream.fileno()
            self._writable.register(self._file, select.POLLOUT)
        except (AttributeError, OSError, ValueError):  # closed from the start, or in memory: neither waits
            self._file = -1

    def emit(self, record: logging.LogRecord) -> None:
        """Never raises and never blocks."""
        if self._file < 0:
            super().emit(record)
            return
        try:
            data = (self._begun + self._told() + self.format(record) + self.terminator).encode(
                errors="backslashreplace"
            )
            for start in range(0, len(data), select.PIPE_BUF):
                if not self._writable.poll(0):
                    self._left_out += 1
                    self._begun = self.terminator if start else self._begun
                    return
                os.write(self._file, data[start : start + select.PIPE_BUF])
            self._left_out, self._begun = 0, ""
        except Exception:  # noqa: BLE001 - as every handler of the standard library
            self.handleError(record)

    def _told(self) -> str:
        if not self._left_out:
            return ""
        words = f"{self._left_out} lines were left out here: nobody read the log"
        made = logging.LogRecord("thaw.logs", logging.WARNING, __file__, 0, words, (), None)
        return self.format(made) + self.terminator


def start_logging(form: str) -> None:
    """Called once, by the command line. form: json, plain, or anything else: json but on a terminal."""
    is_plain = form == PLAIN or (form != JSON and sys.stderr.isatty())
    handler = NeverWaits(sys.stderr)
    handler.setFormatter(PlainWords() if is_plain else JsonLines())
    logging.raiseExceptions = False  # a full disk or a closed pipe behind the log must not disturb an answer
    logger = logging.getLogger("thaw")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
