import sys
from string import Template
from types import SimpleNamespace

import pytest

from flasgo.debug.frames import MAX_CHAIN, MAX_FRAMES, Line, failures_of, is_yours, kind_of, place_of, shown_path
from flasgo.debug.redaction import Redactor

PLAIN = Redactor([])


def caught(function, *args) -> BaseException:
    try:
        function(*args)
    except Exception as error:
        return error
    raise AssertionError


def divide(a, b):
    return (a / b) + 1


def test_a_call_is_shown_with_its_lines_the_part_that_ran_and_its_variables():
    (failure,) = failures_of(caught(divide, 1, 0), PLAIN)
    assert (failure.kind, failure.message, failure.link) == ("ZeroDivisionError", "division by zero", "")
    frame = failure.frames[-1]
    assert (frame.function, frame.yours, frame.variables) == ("divide", True, (("a", "1"), ("b", "0")))
    assert frame.file.endswith("test_frames.py")
    (current,) = [line for line in frame.lines if line.current]
    assert current == Line(frame.line, "    return (", "a / b", ") + 1", current=True)
    assert [line.number for line in frame.lines] == list(range(frame.line - 4, frame.line + 5))


def test_a_line_with_a_secret_is_not_marked():
    error = caught(divide, 1, 0)
    frame = failures_of(error, Redactor(["return (a"]))[0].frames[-1]
    (current,) = [line for line in frame.lines if line.current]
    assert (current.before, current.marked) == ("    [redacted] / b) + 1", "")


def test_a_part_of_several_lines_is_not_marked():
    def spread():
        return divide(
            1,
            0,
        )

    frame = failures_of(caught(spread), PLAIN)[0].frames[-2]
    assert [line.marked for line in frame.lines if line.current] == [""]


def chained(cause):
    try:
        divide(1, 0)
    except ZeroDivisionError as error:
        if cause == "from":
            raise KeyError("a") from error
        if cause == "none":
            raise KeyError("a") from None
        raise KeyError("a")  # noqa: B904 - the chain is what is tested


@pytest.mark.parametrize(
    ("cause", "links"),
    [
        ("from", ["", "It was raised because of"]),
        ("while", ["", "It was raised while this was handled"]),
        ("none", [""]),
    ],
)
def test_what_led_to_it_is_shown_after_it(cause, links):
    assert [failure.link for failure in failures_of(caught(chained, cause), PLAIN)] == links


def test_a_chain_has_an_end_also_where_it_is_a_circle():
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert [failure.message for failure in failures_of(first, PLAIN)] == ["a", "b"]
    last = error = ValueError("0")
    for number in range(20):
        error.__cause__ = error = ValueError(str(number))
    assert len(failures_of(last, PLAIN)) == MAX_CHAIN


def endless(n):
    return endless(n + 1)


def test_an_endless_recursion_is_shown_by_its_ends():
    frames = failures_of(caught(endless, 0), PLAIN)[0].frames
    assert len(frames) == MAX_FRAMES
    assert frames[0].function == "caught"


def test_notes_and_groups_are_told():
    group = ExceptionGroup("two", [ValueError("a"), KeyError("b")])
    group.add_note("a note")
    assert failures_of(group, PLAIN)[0].notes == ("a note", "ValueError: a", "KeyError: 'b'")


def test_an_exception_that_cannot_speak_is_told_too():
    class Silent(Exception):
        def __str__(self):
            raise RuntimeError

    assert failures_of(Silent(), PLAIN)[0].message == "(its text cannot be had: RuntimeError)"


def test_code_without_a_file_has_no_lines():
    error = caught(lambda: exec("raise ValueError"))
    frame = failures_of(error, PLAIN)[0].frames[-1]
    assert (frame.file, frame.yours, frame.lines) == ("<string>", False, ())


def test_the_file_is_shown_from_here_or_from_its_library(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert shown_path(str(tmp_path / "shop" / "app.py")) == "shop/app.py"
    assert shown_path(pytest.__file__) == "pytest/__init__.py"
    assert shown_path("/elsewhere/app.py") == "/elsewhere/app.py"
    assert not is_yours(pytest.__file__)
    assert not is_yours("<flasgo handle 1>")


def test_the_place_is_the_innermost_of_the_application():
    assert place_of(ValueError()) == ""
    assert place_of(caught(divide, 1, 0)).rpartition("/")[2].startswith("test_frames.py:")
    assert place_of(caught(Template("$a").substitute)).rpartition("/")[2].startswith("test_frames.py:")


def test_kinds_outside_the_builtins_have_their_module():
    assert kind_of(ValueError()) == "ValueError"
    assert kind_of(msgspec_error()) == "msgspec.ValidationError"


def msgspec_error():
    import msgspec

    return msgspec.ValidationError()


# ── templates ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_template_that_fails_is_shown_by_its_own_line(tmp_path):
    import jinja2

    (tmp_path / "page.html").write_text("<p>\n{{ user.name }}\n</p>")
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(tmp_path), undefined=jinja2.StrictUndefined)
    error = caught(environment.get_template("page.html").render)
    (frame,) = [frame for frame in failures_of(error, PLAIN)[0].frames if frame.template]
    assert (frame.template, frame.yours, frame.line, frame.file) == (True, True, 2, str(tmp_path / "page.html"))
    assert [line.before for line in frame.lines if line.current] == ["{{ user.name }}"]


def test_a_template_that_cannot_be_read_is_too(tmp_path):
    import jinja2

    (tmp_path / "page.html").write_text("<p>\n{% if %}\n</p>")
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(tmp_path))
    frame = failures_of(caught(environment.get_template, "page.html"), PLAIN)[0].frames[-1]
    assert (frame.template, frame.line) == (True, 2)
    assert [line.before for line in frame.lines if line.current] == ["{% if %}"]
    error = jinja2.TemplateSyntaxError("bad", 1)
    frame = failures_of(error, PLAIN)[0].frames[-1]
    assert (frame.file, frame.lines) == ("a template", ())


def test_without_jinja_there_are_no_templates(monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", SimpleNamespace())
    assert failures_of(ValueError(), PLAIN)[0].frames == ()
