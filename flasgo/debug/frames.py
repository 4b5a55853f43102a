"""An exception as data: what happened, where, in which lines, with which values; secrets taken out on the way."""

import linecache
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType, TracebackType

from msgspec import Struct

from flasgo.debug.redaction import Redactor, is_secret_name

CONTEXT = 4
"""Lines of source that are shown before and after the one that ran."""

MAX_FRAMES = 60
MAX_CHAIN = 8
MAX_VARIABLES = 40
MAX_MESSAGE = 4_000

OWN = str(Path(__file__).parents[1])


class Line(Struct, frozen=True):
    """A line of source. `before` and `after` stand around `marked`, the part that ran, where that is known."""

    number: int
    before: str
    marked: str = ""
    after: str = ""
    current: bool = False


class Frame(Struct, frozen=True):
    """A call that had not ended. `yours` says that it is of the application, not of a library; `template` that it is Jinja's."""

    file: str
    line: int
    function: str
    yours: bool
    lines: tuple[Line, ...]
    variables: tuple[tuple[str, str], ...]
    template: bool = False


class Failure(Struct, frozen=True):
    """One exception of a chain; `link` says how it led to the one before it in the list."""

    kind: str
    message: str
    frames: tuple[Frame, ...]
    notes: tuple[str, ...] = ()
    link: str = ""


def failures_of(error: BaseException, redactor: Redactor) -> list[Failure]:
    """The exception, and those that led to it, the last raised first."""
    found: list[Failure] = []
    seen: set[int] = set()
    link, current = "", error
    while len(found) < MAX_CHAIN and id(current) not in seen:
        seen.add(id(current))
        found.append(_failure(current, link, redactor))
        if current.__cause__ is not None:
            link, current = "It was raised because of", current.__cause__
        elif current.__context__ is not None and not current.__suppress_context__:
            link, current = "It was raised while this was handled", current.__context__
    return found


def secret_texts(error: BaseException) -> Iterator[str]:
    """The texts that stood in variables with secret names: a message made of one repeats it."""
    for linked in (error, error.__cause__, error.__context__):
        for frame, _, _ in _walk(None if linked is None else linked.__traceback__):
            for name, value in list(frame.f_locals.items()):
                if isinstance(value, str) and is_secret_name(name):
                    yield value


def _failure(error: BaseException, link: str, redactor: Redactor) -> Failure:
    notes = [redactor.text(str(note)) for note in getattr(error, "__notes__", ())]
    if isinstance(error, BaseExceptionGroup):
        notes += [redactor.text(f"{type(inner).__name__}: {_said(inner)}") for inner in islice(error.exceptions, 20)]
    frames = tuple(_frames(error.__traceback__, redactor))
    template = template_frame(error, redactor)
    return Failure(
        kind=kind_of(error),
        message=redactor.text(_said(error), MAX_MESSAGE),
        frames=frames if template is None else (*frames, template),
        notes=tuple(notes),
        link=link,
    )


def kind_of(error: BaseException) -> str:
    kind = type(error)
    return (
        kind.__qualname__ if kind.__module__ in {"builtins", "__main__"} else f"{kind.__module__}.{kind.__qualname__}"
    )


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as failure:  # noqa: BLE001 - the user's own __str__ may raise whatever it likes
        return f"(its text cannot be had: {type(failure).__name__})"


def _frames(trace: TracebackType | None, redactor: Redactor) -> Iterator[Frame]:
    """The calls, the outermost first; the middle of an endless recursion is left out."""
    steps = list(_walk(trace))
    if len(steps) > MAX_FRAMES:
        steps = [*steps[: MAX_FRAMES // 3], *steps[-2 * MAX_FRAMES // 3 :]]
    for frame, number, instruction in steps:
        code = frame.f_code
        template = "__jinja_exception__" in frame.f_globals
        yield Frame(
            file=shown_path(code.co_filename),
            line=number,
            function=code.co_qualname,
            yours=template or is_yours(code.co_filename),
            lines=_lines(frame, number, None if template else _span(code, instruction, number), redactor),
            variables=tuple(_variables(frame, redactor)),
            template=template,
        )


def _walk(trace: TracebackType | None) -> Iterator[tuple[FrameType, int, int]]:
    while trace is not None:
        yield trace.tb_frame, trace.tb_lineno, trace.tb_lasti
        trace = trace.tb_next


def _variables(frame: FrameType, redactor: Redactor) -> Iterator[tuple[str, str]]:
    names = [name for name in frame.f_locals if not (name.startswith("__") and name.endswith("__"))]
    for name in names[:MAX_VARIABLES]:
        yield name, redactor.value(name, frame.f_locals[name])


def _lines(frame: FrameType, number: int, span: tuple[int, int] | None, redactor: Redactor) -> tuple[Line, ...]:
    file = frame.f_code.co_filename
    linecache.checkcache(file)
    return source_lines(linecache.getlines(file, frame.f_globals), number, span, redactor)


def source_lines(source: list[str], number: int, span: tuple[int, int] | None, redactor: Redactor) -> tuple[Line, ...]:
    """The lines around the one that ran; `span` are the bytes of it that are marked."""
    first, last = max(1, number - CONTEXT), min(len(source), number + CONTEXT)
    return tuple(
        _line(at, source[at - 1].rstrip("\n"), span if at == number else None, redactor, current=at == number)
        for at in range(first, last + 1)
    )


def _line(number: int, text: str, span: tuple[int, int] | None, redactor: Redactor, *, current: bool) -> Line:
    shown = redactor.source(text)
    if span is None or shown != text:
        return Line(number, shown, current=current)
    raw = text.encode()
    before, marked, after = (
        piece.decode(errors="replace") for piece in (raw[: span[0]], raw[slice(*span)], raw[span[1] :])
    )
    return Line(number, before, marked, after, current=current)


def _span(code: CodeType, instruction: int, number: int) -> tuple[int, int] | None:
    """From where to where, in bytes, the part of the line that ran stands in it (PEP 657)."""
    found = next(islice(code.co_positions(), max(0, instruction // 2), None), (None, None, None, None))
    line, end_line, start, end = found
    if start is None or end is None or not line == end_line == number:
        return None
    return start, end


def template_frame(error: BaseException, redactor: Redactor) -> Frame | None:
    """Where a template could not be read: Jinja's TemplateSyntaxError says it, and no call was made there yet.

    Jinja is asked for only where the program has imported it.
    """
    jinja2 = sys.modules.get("jinja2")
    kind: object = getattr(jinja2, "TemplateSyntaxError", None)
    if not isinstance(kind, type) or not isinstance(error, kind):
        return None
    number, name, file = (getattr(error, attribute, None) for attribute in ("lineno", "name", "filename"))
    source = getattr(error, "source", None)
    lines = source.splitlines() if isinstance(source, str) else []
    line = number if isinstance(number, int) else 1
    shown = shown_path(file) if isinstance(file, str) else str(name or "a template")
    return Frame(
        shown, line, str(name or "template"), True, source_lines(lines, line, None, redactor), (), template=True
    )


@cache
def libraries() -> tuple[str, ...]:
    """The folders of the standard library and of what is installed, the innermost first."""
    paths = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return tuple(sorted(paths, key=len, reverse=True))


def is_yours(file: str) -> bool:
    """Is a file of the application: of no library, not flasgo's own, and not made at run time?"""
    return not file.startswith((*libraries(), OWN, "<"))


def shown_path(file: str) -> str:
    """The file as a developer would write it: from the working directory, or from the folder of the libraries."""
    for root in (str(Path.cwd()), *libraries()):
        if file.startswith(f"{root}/"):
            return file.removeprefix(f"{root}/")
    return file


def place_of(error: BaseException) -> str:
    """file:line of the innermost call of the application, or of all; empty where there is none."""
    calls = traceback.extract_tb(error.__traceback__)
    found = [call for call in calls if is_yours(call.filename)] or list(calls)
    return f"{shown_path(found[-1].filename)}:{found[-1].lineno}" if found else ""
