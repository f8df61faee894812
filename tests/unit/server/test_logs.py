import io
import json
import logging

import pytest

from stunkit.server import logs
from stunkit.server.logs import BURST, INTERVAL, SUMMARY, UNLIMITED, Brake, Logbook, LogSettings


@pytest.fixture
def root():
    """The root logger, as it was afterwards."""
    logger = logging.getLogger()
    handlers, level = list(logger.handlers), logger.level
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)


def written(root, settings, *say) -> list[str]:
    stream = io.StringIO()
    logs.configure(settings, stream)
    for one in say:
        one(logging.getLogger("stunkit.test"))
    return stream.getvalue().splitlines()


def record(message: str, at: float, *values: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "n", "msg": message, "args": values, "levelname": "INFO"})
    made.created = at
    return made


def break_it(log):
    try:
        int("\x1b[2J from the network")
    except ValueError:
        log.exception("broke at %r", "x")


def test_writes_lines_for_people(root):
    lines = written(root, LogSettings(), lambda log: log.warning("%d of %s", 3, "them"))
    assert lines == ["WARNING 3 of them"]


def test_writes_json_with_the_time(root):
    (line,) = written(root, LogSettings(format="json"), lambda log: log.warning("%s", "so"))
    document = json.loads(line)
    assert document.pop("time")[-5:-4] == "."  # milliseconds, and Z
    assert document.pop("pid") > 0
    assert document == {"level": "warning", "logger": "stunkit.test", "message": "so"}


def test_time_is_of_rfc_3339():
    made = record("x", 1_700_000_000.25)
    assert json.loads(logs.JsonLines().format(made))["time"] == "2023-11-14T22:13:20.250Z"


def test_says_info_of_what_is_said_at_every_level(root):
    (line,) = written(
        root,
        LogSettings(format="json", level="error"),
        lambda log: log.info("no"),
        lambda log: log.log(logs.ALWAYS, "ready"),
    )
    assert (json.loads(line)["level"], json.loads(line)["message"]) == ("info", "ready")


@pytest.mark.parametrize("kind", ["text", "json"])
def test_never_writes_what_moves_a_cursor_or_makes_a_line(root, kind):
    lines = written(
        root,
        LogSettings(format=kind),
        lambda log: log.warning("from %s", "\x1b[2J\nWARNING forged \u202e"),
        break_it,
    )
    assert all(line.isprintable() for line in lines)
    assert sum(line.startswith(("WARNING", "{")) for line in lines) == (1 if kind == "text" else 2)


def test_has_an_end_for_long_messages(root):
    (line,) = written(root, LogSettings(), lambda log: log.error("%s", "x" * 10**6))
    assert len(line) < 2 * logs.MOST_CHARACTERS


def test_admits_a_burst_and_then_so_many_a_minute():
    brake = Brake()
    assert [brake.admit(record("m %d", 0.0, n)) for n in range(BURST + 5)] == [True] * BURST + [
        False
    ] * 5
    later = [brake.admit(record("m %d", INTERVAL * n / 10, n)) for n in range(1, 1001)]
    assert 98 <= sum(later) <= 101  # one in ten


def test_lets_no_kind_of_message_keep_another_from_being_written():
    brake = Brake()
    for _ in range(1000):
        brake.admit(record("flood", 0.0))
    assert brake.admit(record("other", 0.0))


def test_writes_all_of_what_no_client_can_make_happen(root):
    lines = written(
        root,
        LogSettings(),
        *[lambda log: log.info("reloaded", extra=UNLIMITED)] * (2 * BURST),
    )
    assert lines == ["INFO reloaded"] * (2 * BURST)


def test_counts_what_it_left_out_and_says_so_once():
    brake = Brake()
    for n in range(BURST + 7):
        brake.admit(record("from %s", 1000.0, n))
    assert not list(brake.summaries(1000.0 + SUMMARY - 1))
    (summary,) = brake.summaries(1000.0 + SUMMARY)
    assert summary.getMessage() == "left out 7 more like: from %s"
    assert not list(brake.summaries(1000.0 + 10 * SUMMARY))


def test_remembers_so_many_kinds_and_no_more():
    brake = Brake()
    admitted = sum(brake.admit(record(f"made up {n}", 0.0)) for n in range(10_000))
    assert admitted == logs.MOST_KINDS + BURST


def test_says_at_the_end_what_was_left_out():
    stream = io.StringIO()
    book = Logbook(stream)
    for _ in range(BURST + 2):
        book.handle(record("flood", 5.0))
    book.close()
    assert stream.getvalue().splitlines() == ["flood"] * BURST + ["left out 2 more like: flood"]


def test_child_leaves_it_to_its_parent_to_say():
    stream = io.StringIO()
    book = Logbook(stream)
    for _ in range(BURST + 2):
        book.handle(record("flood", 5.0))
    book.forget()
    book.close()
    assert "left out" not in stream.getvalue()
