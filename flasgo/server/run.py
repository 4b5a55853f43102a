"""Starting a server: in this process, or in children that reload or share the work. What `flasgo run` and `app.run()` do.

Exit statuses: 0 after Ctrl+C or SIGTERM; 2 when serving is refused, with one sentence; 3 when the application's lifespan
start-up fails, as uvicorn has it.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import ip_address
from pathlib import Path
from typing import TypedDict, Unpack

from msgspec import Struct
from msgspec.structs import replace

from flasgo.errors import ConfigurationError
from flasgo.http.asgi import ASGIApp
from flasgo.server.listener import open_listener
from flasgo.server.processes import EXIT_REFUSED, Inheritance, inherit, say
from flasgo.server.reload import GRACE as RELOAD_GRACE
from flasgo.server.reload import program_directories, reload_on_edit, watched_directories
from flasgo.server.serve import GRACE, LogLevel, Share, serve
from flasgo.server.workers import serve_with_workers, share_of
from flasgo.settings import Settings

_importing: ContextVar[bool] = ContextVar("flasgo_importing", default=False)


class ServeOptions(Struct, frozen=True, kw_only=True):
    """How to serve. `name` is what the first line calls the application; port 0 takes a free one.

    `reload_directories` are watched when `reload` is on. `max_requests`: a process that has served so many, or up to 20 % more, is
    replaced by a new one; 0 is never.
    """

    name: str
    host: str = "127.0.0.1"
    port: int = 8000
    root_path: str = ""
    log_level: LogLevel = "info"
    workers: int = 1
    max_requests: int = 0
    reload: bool = False
    reload_directories: tuple[Path, ...] = ()

    @property
    def in_workers(self) -> bool:
        """Do children share the work, under a supervisor that replaces them?"""
        return self.workers > 1 or self.max_requests > 0


def launch(load: Callable[[], ASGIApp], options: ServeOptions, environment: Mapping[str, str]) -> int:
    """Serve what `load` returns until asked to stop: here, or in children that get `environment`; the exit status.

    Raises ConfigurationError when that cannot be done; the message is one sentence for the terminal.
    """
    _refuse_running_loop()
    inherited = inherit()
    if inherited is not None:
        return _serve_as_child(load(), options, inherited)
    if options.reload:
        if options.in_workers:
            raise ConfigurationError(
                "Reloading restarts one process: choose either reload or several workers (max_requests asks for them, too)."
            )
        with open_listener(options.host, options.port) as listener:
            return reload_on_edit(listener, options.reload_directories, environment)
    app = load()
    if options.in_workers:
        _refuse_random_secret(app)
        _refuse_memory_sessions(app)
        with open_listener(options.host, options.port) as listener:
            _refuse_public_debug(app, listener)
            count = "1 worker" if options.workers == 1 else f"{options.workers} workers"
            say(f"{_serving(listener, options)} with {count}")
            return serve_with_workers(listener, options.workers, environment, grace=GRACE)
    with open_listener(options.host, options.port) as listener:
        _refuse_public_debug(app, listener)
        return serve(
            app,
            listener,
            root_path=options.root_path,
            log_level=options.log_level,
            announcement=_serving(listener, options),
        )


def _serve_as_child(app: ASGIApp, options: ServeOptions, inherited: Inheritance) -> int:
    _refuse_public_debug(app, inherited.listener)
    return serve(
        app,
        inherited.listener,
        root_path=options.root_path,
        log_level=options.log_level,
        grace=GRACE if options.in_workers else RELOAD_GRACE,
        share=Share(share_of(options.max_requests), inherited.tell) if options.max_requests else None,
        announcement="" if options.in_workers else f"{_serving(inherited.listener, options)}, reloading on edits",
    )


class WorkerOptions(TypedDict, total=False):
    """How many processes share the work (default: 1), and after how many requests one is replaced (default: 0, never)."""

    workers: int
    max_requests: int


def run_app(
    app: ASGIApp,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    reload: bool | None = False,
    reload_dirs: Iterable[str | os.PathLike[str]] | None = None,
    **shared: Unpack[WorkerOptions],
) -> None:
    """Serve from a program (`app.run()`) until Ctrl+C, then return; any other ending is SystemExit with its status.

    With `reload`, or several workers, the program is run again in children, up to the same call. `reload` None is the
    application's DEBUG, where it is not for workers. `reload_dirs` defaults to the working directory
    and the program's own folder. Raises ConfigurationError while the module is imported to be served by something else.
    """
    if _importing.get():
        raise ConfigurationError(
            "The module serves its application while it is imported: put app.run() under `if __name__ == '__main__':`."
        )
    try:
        _check_numbers(shared)
        name = Path(next(iter(sys.argv), "")).name or "the application"
        options = ServeOptions(name=name, host=host, port=port, **shared)
        settings = settings_of(app)
        if reload is None:
            reload = settings is not None and settings.DEBUG and not options.in_workers
        if reload:
            options = replace(
                options, reload=True, reload_directories=watched_directories(reload_dirs, program_directories())
            )
        status = launch(lambda: app, options, os.environ)
    except ConfigurationError as error:
        say(str(error))
        status = EXIT_REFUSED
    if status:
        raise SystemExit(status)


def _check_numbers(shared: WorkerOptions) -> None:
    """As the command line's own types check what it is given."""
    for name, least in (("workers", 1), ("max_requests", 0)):
        number = shared.get(name, least)
        if type(number) is not int or number < least:
            raise ConfigurationError(f"app.run({name}={number!r}): give a whole number, at least {least}.")


@contextmanager
def importing() -> Generator[None]:
    """While a module is imported for its application: an `app.run()` in it is a mistake, not a second server."""
    token = _importing.set(True)
    try:
        yield
    finally:
        _importing.reset(token)


def _serving(listener: socket.socket, options: ServeOptions) -> str:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"serving {options.name} on http://{shown}:{port}{options.root_path} (Ctrl+C to quit)"


def settings_of(app: ASGIApp) -> Settings | None:
    """The settings of a flasgo application; other ASGI applications have none."""
    settings: object = getattr(app, "settings", None)
    return settings if isinstance(settings, Settings) else None


def _refuse_running_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise ConfigurationError(
        "A server cannot be started inside a running event loop: call app.run() outside of async code."
    )


def _refuse_random_secret(app: ASGIApp) -> None:
    """Each worker would make its own key, and refuse what the others signed."""
    settings = settings_of(app)
    if settings is not None and settings.secret_key_is_random:
        raise ConfigurationError(
            "SECRET_KEY is random in every process: set one before serving with more than one worker."
        )


def _refuse_public_debug(app: ASGIApp, listener: socket.socket) -> None:
    """With DEBUG, what is for developers would be one request away from everybody who can reach this address."""
    settings = settings_of(app)
    if settings is None or not settings.DEBUG or listener.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    host = listener.getsockname()[0]
    if not ip_address(host.partition("%")[0]).is_loopback:
        raise ConfigurationError(
            f"DEBUG is on, and others can reach {host}: set DEBUG to False, or serve on 127.0.0.1."
        )


def _refuse_memory_sessions(app: ASGIApp) -> None:
    """Each worker would know only the visitors that it has met itself."""
    settings = settings_of(app)
    if settings is not None and settings.SESSION_STORE == "memory":
        raise ConfigurationError(
            'SESSION_STORE is "memory", which no other worker sees: use "sqlite:///path" or Redis with more than one worker.'
        )
