"""Reload: a supervisor in the main thread, the server in a child, and a new child after every edit.

An edit that breaks the program ends the child with its message; the supervisor stays, the listening socket stays open,
and the next edit starts the next child. Only a program that could not even start the first time ends the supervisor.
"""

import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from importlib.util import cache_from_source
from os import PathLike
from pathlib import Path
from threading import Event

from flasgo.errors import ConfigurationError
from flasgo.server.processes import EXIT_REFUSED, EXIT_STARTUP_FAILED, TICK, Child, say, stop_event

GRACE = 2
"""Seconds that open requests of the old child get: somebody is waiting for the new one."""
_KILL_AFTER = GRACE + 5.0
"""Seconds until an old child is killed: its shutdown handlers come after the open requests."""

_WATCHED = (
    *(".py", ".env", ".toml", ".ini", ".cfg", ".yaml", ".yml", ".json"),
    *(".html", ".htm", ".jinja", ".jinja2", ".j2", ".css", ".js"),
)
_NEVER_WATCHED = ("site-packages", ".nox", ".ruff_cache")
_SHOWN = 3
"""How many of the changed files are named."""


def reload_on_edit(listener: socket.socket, directories: Iterable[Path], environment: Mapping[str, str]) -> int:
    """Serve in a child that is replaced after every edit in `directories`, until Ctrl+C or SIGTERM; the exit status.

    Raises ConfigurationError when the folders cannot be watched, or outside the main thread.
    """
    with stop_event() as stop:
        child = Child(listener, environment)
        edited = False
        running = True
        try:
            for changes in _edits(tuple(directories), stop):
                if changes:
                    say(f"{_names(changes)} changed, starting again")
                    child.end(_KILL_AFTER)
                    _forget_bytecode(changes)
                    child = Child(listener, environment)
                    edited = running = True
                elif running and (status := child.status()) is not None:
                    if status == 0 or (not edited and status in {EXIT_REFUSED, EXIT_STARTUP_FAILED}):
                        return status
                    say(f"the server ended with status {status}; waiting for an edit")
                    running = False
        finally:
            child.end(_KILL_AFTER)
    return 0


def watched_directories(named: Iterable[str | PathLike[str]] | None, default: Iterable[Path]) -> tuple[Path, ...]:
    """The folders to watch: those named, else `default`, without what lies inside another one.

    Raises ConfigurationError for a name that is not a folder.
    """
    chosen = [Path(name) for name in named or ()]
    for path in chosen:
        if not path.is_dir():
            problem = "is not a folder" if path.exists() else "does not exist"
            raise ConfigurationError(
                f"The reload folder {str(path)!r} {problem}: name a folder that holds source files."
            )
    found = sorted({path.resolve() for path in chosen or default})
    return tuple(path for path in found if not any(other in path.parents for other in found))


def program_directories() -> tuple[Path, ...]:
    """Where the running program's sources are: the working directory, and the folder that `__main__` was imported from.

    Raises ConfigurationError where there is no program to start again: at a prompt or in a notebook.
    """
    main = sys.modules["__main__"]
    here = Path.cwd()
    file: object = getattr(main, "__file__", None)
    if isinstance(file, str) and file != "<stdin>":
        package = main.__package__ or ""
        depth = package.count(".") + 1 if package else 0
        return (here, Path(file).resolve().parents[depth])
    if "-c" in sys.orig_argv:
        return (here,)
    raise ConfigurationError("Reloading needs a program to start again: save it as a file, or pass `reload=False`.")


def _edits(directories: tuple[Path, ...], stop: Event) -> Iterator[set[Path]]:
    """The files of every edit; an empty set at every tick without one. Ends with `stop`."""
    from watchfiles import watch  # noqa: PLC0415 - 90 ms that only a reloading server pays

    try:
        for changes in watch(
            *directories,
            watch_filter=_filter(),
            stop_event=stop,
            rust_timeout=int(TICK * 1000),
            yield_on_timeout=True,
            raise_interrupt=False,
            ignore_permission_denied=True,
        ):
            yield {Path(path) for _, path in changes}
    except (OSError, RuntimeError) as error:
        names = ", ".join(map(str, directories))
        raise ConfigurationError(
            f"Cannot watch {names}: {error}. Name smaller folders to watch, or set WATCHFILES_FORCE_POLLING=true."
        ) from None


def _filter() -> Callable[[object, str], bool]:
    """Which changes are edits: of sources, templates and configuration, outside environments and caches."""
    from watchfiles import Change, DefaultFilter  # noqa: PLC0415 - see _edits

    default = DefaultFilter(ignore_dirs=(*DefaultFilter.ignore_dirs, *_NEVER_WATCHED))

    def is_edit(_change: object, path: str) -> bool:
        return path.endswith(_WATCHED) and default(Change.modified, path)

    return is_edit


def _forget_bytecode(sources: Iterable[Path]) -> None:
    """Remove what Python compiled from them: it would take a second edit of the same size and second for the first."""
    for source in sources:
        with suppress(OSError):
            Path(cache_from_source(str(source))).unlink(missing_ok=True)


def _names(paths: set[Path]) -> str:
    here = Path.cwd()
    names = sorted(str(path.relative_to(here) if path.is_relative_to(here) else path) for path in paths)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
