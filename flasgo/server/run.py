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

from msgspec import Struct

from flasgo.errors import ConfigurationError
from flasgo.http.asgi import ASGIApp
from flasgo.server.listener import open_listener
from flasgo.server.processes import EXIT_REFUSED, inherit_listener, say
from flasgo.server.reload import GRACE as RELOAD_GRACE
from flasgo.server.reload import program_directories, reload_on_edit, watched_directories
from flasgo.server.serve import GRACE, LogLevel, serve
from flasgo.server.workers import serve_with_workers
from flasgo.settings import Settings

_importing: ContextVar[bool] = ContextVar("flasgo_importing", default=False)


class ServeOptions(Struct, frozen=True, kw_only=True):
    """How to serve. `name` is what the first line calls the application; port 0 takes a free one.

    `reload_directories` are watched when `reload` is on.
    """

    name: str
    host: str = "127.0.0.1"
    port: int = 8000
    root_path: str = ""
    log_level: LogLevel = "info"
    workers: int = 1
    reload: bool = False
    reload_directories: tuple[Path, ...] = ()


def launch(load: Callable[[], ASGIApp], options: ServeOptions, environment: Mapping[str, str]) -> int:
    """Serve what `load` returns until asked to stop: here, or in children that get `environment`; the exit status.

    Raises ConfigurationError when that cannot be done; the message is one sentence for the terminal.
    """
    _refuse_running_loop()
    inherited = inherit_listener()
    if inherited is not None:
        app = load()
        _refuse_public_debug(app, inherited)
        if options.workers == 1:
            say(f"{_serving(inherited, options)}, reloading on edits")
        grace = GRACE if options.workers > 1 else RELOAD_GRACE
        return serve(app, inherited, root_path=options.root_path, log_level=options.log_level, grace=grace)
    if options.reload:
        if options.workers > 1:
            raise ConfigurationError("Reloading restarts one process: choose either reload or several workers.")
        with open_listener(options.host, options.port) as listener:
            return reload_on_edit(listener, options.reload_directories, environment)
    app = load()
    if options.workers > 1:
        _refuse_random_secret(app)
        _refuse_memory_sessions(app)
        with open_listener(options.host, options.port) as listener:
            _refuse_public_debug(app, listener)
            say(f"{_serving(listener, options)} with {options.workers} workers")
            return serve_with_workers(listener, options.workers, environment, grace=GRACE)
    with open_listener(options.host, options.port) as listener:
        _refuse_public_debug(app, listener)
        say(_serving(listener, options))
        return serve(app, listener, root_path=options.root_path, log_level=options.log_level)


def run_app(
    app: ASGIApp,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    reload: bool = False,
    reload_dirs: Iterable[str | os.PathLike[str]] | None = None,
) -> None:
    """Serve from a program (`app.run()`) until Ctrl+C, then return; any other ending is SystemExit with its status.

    With `reload` the program is run again in a child, up to the same call. `reload_dirs` defaults to the working directory
    and the program's own folder. Raises ConfigurationError while the module is imported to be served by something else.
    """
    if _importing.get():
        raise ConfigurationError(
            "The module serves its application while it is imported: put app.run() under `if __name__ == '__main__':`."
        )
    try:
        directories = watched_directories(reload_dirs, program_directories()) if reload else ()
        name = Path(next(iter(sys.argv), "")).name or "the application"
        options = ServeOptions(name=name, host=host, port=port, reload=reload, reload_directories=directories)
        status = launch(lambda: app, options, os.environ)
    except ConfigurationError as error:
        say(str(error))
        status = EXIT_REFUSED
    if status:
        raise SystemExit(status)


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
