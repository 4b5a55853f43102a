import logging
import re
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flasgo.events import (
    ERRORS,
    MAX_LINE,
    MAX_TRACE_LINE,
    MAX_TRACE_LINES,
    SecurityEvent,
    SecurityLog,
    line_of,
    log_failure,
    trace_of,
)


class Asked:
    told: frozenset[object] = frozenset()

    def __init__(self, method="GET", path="/", client_ip: str | None = "127.0.0.1"):
        self.method = method
        self.path = path
        self.client_ip = client_ip


LOG = SecurityLog(enabled=True)


def fail(message, kind: type[Exception] = ValueError):
    try:
        raise kind(message)
    except Exception as error:
        return error


def test_a_line_is_the_event_and_its_fields(caplog):
    LOG.write("host-check-failed", Asked(path="/a b", client_ip=None), host=b"evil\xff", left_out=None)
    (record,) = caplog.records
    assert record.getMessage() == r'host-check-failed method=GET path="/a b" client=- host="evil\xff"'
    assert (record.name, record.levelno, record.filename) == ("flasgo.security", logging.WARNING, "test_events.py")
    assert record.event == "host-check-failed"
    assert record.fields == {"method": "GET", "path": "/a b", "client": "-", "host": "evil\xff"}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("/plain:1.2@x+y-z_~", "/plain:1.2@x+y-z_~"),
        ("", '""'),
        ("a=b", '"a=b"'),
        ('a"b', r'"a\"b"'),
        ("a\\b", r'"a\\b"'),
        ('\\"', r'"\\\""'),
        ("\n", r'"\n"'),
        ("\x00\x1b[31m\x7f\x85\x9b", r'"\x00\x1b[31m\x7f\x85\x9b"'),
        ("\u2028\u202e\ufeff", r'"\u2028\u202e\ufeff"'),
        ("é\U0001f600\ud800", r'"\xe9\U0001f600\ud800"'),
        ("a b", '"a b"'),
    ],
)
def test_what_could_be_taken_for_something_else_is_quoted_and_escaped(value, shown):
    assert line_of("auth-failed", {"user": value}) == f"auth-failed user={shown}"


@given(st.dictionaries(st.sampled_from(["path", "host", "user"]), st.text() | st.text('a" =\\\n')))
@example({"path": '/" user="root'})
@example({"path": "/\\", "user": '\\"'})
def test_whatever_is_said_the_line_is_one_and_can_be_read_back(fields):
    line = line_of("auth-failed", fields)
    assert line.isascii()
    assert line.isprintable()
    read, rest = {}, line.removeprefix("auth-failed")
    while rest:
        name, _, rest = rest[1:].partition("=")
        if not rest.startswith('"'):
            value, _, after = rest.partition(" ")
            read[name], rest = value, f" {after}" if after else ""
            continue
        end = next(i for i in range(1, len(rest)) if rest[i] == '"' and (i - len(rest[:i].rstrip("\\"))) % 2 == 0)
        read[name] = rest[1:end].replace('\\"', '"').encode("ascii").decode("unicode_escape")
        rest = rest[end + 1 :]
    assert read == fields


def test_a_line_has_an_end_however_much_is_said(caplog):
    LOG.write("auth-failed", Asked(path="\U0001f600" * 10_000), user="\U0001f600" * 10_000)
    (message,) = caplog.messages
    assert len(message) == MAX_LINE
    assert message.endswith("...")
    assert len(caplog.records[0].fields["user"]) == 512


def test_one_request_writes_one_line_of_an_event(caplog):
    asked = Asked()
    for event in ("host-check-failed", "csrf-check-failed", "host-check-failed"):
        LOG.write(event, asked)
    LOG.write("host-check-failed", Asked())
    LOG.write("request-refused", client="-")
    LOG.write("request-refused", client="-")
    assert [record.event for record in caplog.records] == [
        "host-check-failed",
        "csrf-check-failed",
        "host-check-failed",
        "request-refused",
        "request-refused",
    ]


def test_what_is_the_applications_fault_is_an_error(caplog):
    assert set(get_args(SecurityEvent)) >= ERRORS
    LOG.write("auth-backend-error", backend="bearer")
    assert caplog.records[0].levelno == logging.ERROR


def test_every_event_is_in_the_guide():
    guide = (Path(__file__).parents[2] / "docs/guides/security-log.md").read_text()
    table = "".join(line for line in guide.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", table)) == set(get_args(SecurityEvent))


def test_it_can_be_turned_off(caplog):
    SecurityLog(enabled=False).write("host-check-failed", Asked())
    assert not caplog.records


def test_a_failure_is_written_with_a_traceback_that_cannot_pass_for_events(caplog):
    error = fail("bad\nhost-check-failed method=GET\x1b[31m\u2028\rx")
    log_failure("unhandled-exception", error, Asked(), hook=fail)
    (record,) = caplog.records
    assert record.getMessage().startswith('unhandled-exception method=GET path=/ client=127.0.0.1 hook="<function fail')
    assert (record.name, record.levelno, record.filename) == ("flasgo.errors", logging.ERROR, "test_events.py")
    assert record.exc_info[1] is error
    first, *trace = logging.Formatter("%(levelname)s %(message)s").format(record).split("\n")
    assert first.startswith("ERROR unhandled-exception")
    assert trace[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") and line.isprintable() for line in trace)
    assert r"    host-check-failed method=GET\x1b[31m\u2028\rx" in trace


def test_one_request_writes_one_failure_of_a_class(caplog):
    asked = Asked()
    for error in (fail("a"), fail("b"), fail("c", KeyError)):
        log_failure("unhandled-exception", error, asked)
    log_failure("unhandled-exception", fail("d"), Asked())
    log_failure("teardown-failed", fail("e"))
    log_failure("teardown-failed", fail("f"))
    assert [str(record.exc_info[1]) for record in caplog.records] == ["a", "'c'", "d", "e", "f"]


def test_nothing_is_made_where_nobody_listens(caplog, monkeypatch):
    monkeypatch.setattr("flasgo.events.trace_of", lambda error: pytest.fail("made"))
    caplog.set_level(logging.CRITICAL, "flasgo.errors")
    log_failure("unhandled-exception", fail("a"))
    assert not caplog.records


def test_a_traceback_has_an_end():
    lines = trace_of(fail("\n".join("x" * 5_000 for _ in range(5_000)))).split("\n")
    assert len(lines) == MAX_TRACE_LINES + 1
    assert any(line.endswith("more lines ...") for line in lines)
    assert max(map(len, lines)) == MAX_TRACE_LINE + 4
