import io
import json
import logging
import os
import subprocess
import sys

import pytest

from serving.logs import JsonLines, NeverWaits, PlainWords, start_logging
from tests.sources import ROOT


def record(message: str, **extra: object) -> logging.LogRecord:
    """A record as the logger makes it."""
    made = logging.LogRecord("thaw.x", logging.INFO, "f", 1, message, (), None)
    made.__dict__.update(extra)
    return made


def test_a_line_is_one_json_object() -> None:
    """Line ends in a message stay inside the string."""
    line = JsonLines().format(record("two\nlines", fields={"port": 1}))
    assert "\n" not in line
    assert ("two\nlines", 1, "info") == (
        json.loads(line)["message"],
        json.loads(line)["port"],
        json.loads(line)["level"],
    )


def test_a_failure_brings_its_trace() -> None:
    """In both forms."""
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 / 0
    made = record("failed", exc_info=(caught.type, caught.value, caught.tb))
    assert "ZeroDivisionError" in json.loads(JsonLines().format(made))["exception"]
    assert "ZeroDivisionError" in PlainWords().format(made)


def test_words_for_a_terminal() -> None:
    """Message and fields, no braces."""
    assert "ready port=1" == PlainWords().format(record("ready", fields={"port": 1}))


@pytest.mark.parametrize(("form", "expected"), [("json", JsonLines), ("plain", PlainWords), ("auto", JsonLines)])
def test_the_form_can_be_set(form: str, expected: type[logging.Formatter], monkeypatch: pytest.MonkeyPatch) -> None:
    """`auto` is JSON where nobody watches."""
    monkeypatch.setattr("sys.stderr", io.StringIO())
    logger = logging.getLogger("thaw")
    handlers, propagate = logger.handlers, logger.propagate
    try:
        start_logging(form)
        assert [expected] == [type(handler.formatter) for handler in logger.handlers]
    finally:
        logger.handlers, logger.propagate = handlers, propagate


def test_a_reader_that_stalled_stops_nobody() -> None:
    """Lines that a full pipe does not take are left out, long ones too; once it is read, whole lines say how many."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb", buffering=0) as read, os.fdopen(writer, "w") as stream:
        handler = NeverWaits(stream)
        handler.setFormatter(JsonLines())
        for _ in range(200):
            handler.emit(record("x" * 6000))
        taken = read.read(1 << 20)
        handler.emit(record("after"))
        whole = [line for line in (taken + read.read(1 << 20)).splitlines() if line.endswith(b"}")]
    told, after = (json.loads(line)["message"] for line in whole[-2:])
    assert (f"{200 - len(whole) + 2} lines were left out here: nobody read the log", "after") == (told, after)


def test_a_server_without_standard_error_starts() -> None:
    """`2>&-` leaves no log to write to, and that is all."""
    code = "import logging, serving.logs as logs; logs.start_logging('json'); logging.getLogger('thaw').info('x')"
    shell = f'exec "{sys.executable}" -c "{code}" 2>&-'
    assert 0 == subprocess.run(["/bin/sh", "-c", shell], cwd=ROOT, timeout=60, check=False).returncode
