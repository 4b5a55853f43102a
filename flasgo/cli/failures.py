"""What the user's own code raises, told in one sentence."""

import importlib
import os
import sysconfig
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from flasgo.errors import ConfigurationError

IMPORTABLE = "Check that it is on PYTHONPATH and imports cleanly"

_FRAMES = 8
"""How many frames of a traceback are shown: the last ones."""
_OURS = (f"{Path(__file__).parents[1]}{os.sep}", importlib.__file__, "<frozen ")
_LIBRARIES = tuple(f"{sysconfig.get_path(name)}{os.sep}" for name in ("stdlib", "platstdlib", "purelib", "platlib"))


@contextmanager
def users_code(failure: str) -> Generator[None]:
    """Whatever is raised inside becomes a ConfigurationError that begins with `failure` and says where.

    Its cause is the error, from the user's first line on; a syntax error and flasgo's own sentences say enough without one.
    """
    try:
        yield
    except ConfigurationError as error:
        where = _where(error.__traceback__)
        raise ConfigurationError(str(error) if where in str(error) else f"{where}: {error}") from error.__cause__
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, it is told; a module may even end the program
        if isinstance(error, SyntaxError) and error.filename and error.lineno:
            source = f": {error.text.strip()}" if error.text else "."
            raise ConfigurationError(
                f"{shown_path(error.filename)}:{error.lineno}: {type(error).__name__}: {error.msg}{source}"
            ) from None
        said = f": {error}" if str(error) else ""
        where = _where(error.__traceback__)
        place = f" ({where})" if where else ""
        raise ConfigurationError(
            f"{failure}: {type(error).__name__}{said}{place}. {IMPORTABLE}."
        ) from error.with_traceback(_users_part(error.__traceback__))


def last_lines(error: BaseException) -> str:
    """The end of the traceback that a failure was caused by; empty without a cause."""
    if error.__cause__ is None:
        return ""
    return "".join(traceback.format_exception(error.__cause__, limit=-_FRAMES))


def _users_part(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OURS):
        trace = trace.tb_next
    return trace


def _where(trace: TracebackType | None) -> str:
    """The innermost line of the user's, rather than of a library that it calls; empty when there is none."""
    lines = traceback.extract_tb(_users_part(trace))
    users = [line for line in lines if not line.filename.startswith((*_OURS, *_LIBRARIES))] or lines
    return f"{shown_path(users[-1].filename)}:{users[-1].lineno}" if users else ""


def shown_path(file: str) -> str:
    """The file as the user would write it."""
    path, here = Path(file), Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
