"""The log: one JSON object a line, or plain words on a terminal. To standard error."""

import json
import logging
import sys
from datetime import UTC, datetime

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


def start_logging(form: str) -> None:
    """Called once, by the command line. form: json, plain, or anything else: json but on a terminal."""
    is_plain = form == PLAIN or (form != JSON and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PlainWords() if is_plain else JsonLines())
    logging.raiseExceptions = False  # a full disk or a closed pipe behind the log must not disturb an answer
    logger = logging.getLogger("thaw")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
