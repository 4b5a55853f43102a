"""`flasgo run TARGET`: serve an application."""

import os
from functools import cache
from pathlib import Path

import click

from flasgo.cli.environment import env_file_option, read_env_file
from flasgo.cli.target import locate
from flasgo.errors import ConfigurationError
from flasgo.server.reload import watched_directories
from flasgo.server.run import ServeOptions, launch, settings_of
from flasgo.server.serve import LogLevel

_LOG_LEVELS: tuple[LogLevel, ...] = ("critical", "error", "warning", "info", "debug")


@click.command()
@click.argument("target")
@click.option("--app", "app_name", metavar="NAME", help="Name of the application in TARGET, instead of after a colon.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 and :: are all.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 takes any free port.")
@click.option("--reload/--no-reload", default=None, help="Start again after every edit; by default if DEBUG is on.")
@click.option("--reload-dir", "reload_dirs", metavar="DIR", multiple=True, help="Folder to watch; may be repeated.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(min=1), help="Number of processes.")
@click.option(
    "--max-requests",
    default=0,
    show_default=True,
    metavar="N",
    type=click.IntRange(min=0),
    help="Replace a process that has served N requests, or up to 20 % more; 0: never.",
)
@click.option("--root-path", default="", metavar="PATH", help="Path under which a proxy offers the application.")
@click.option(
    "--log-level",
    default="info",
    show_default=True,
    type=click.Choice(_LOG_LEVELS),
    help="info: every request and what goes wrong; debug: also what the server does.",
)
@env_file_option
def run(  # noqa: PLR0917 - click passes every option by name
    target: str,
    app_name: str | None,
    host: str,
    port: int,
    reload: bool | None,
    reload_dirs: tuple[str, ...],
    workers: int,
    max_requests: int,
    root_path: str,
    log_level: LogLevel,
    env_file: Path | None,
) -> int:
    """Serve the application TARGET.

    TARGET is a file (app.py), a module (package.module), or either with a name after a colon (app.py:api). The name may be
    dotted, and may be that of a function that returns the application (app.py:create_app). Without a name: app,
    application, the only application of the module, create_app or make_app.

    A child process serves when reloading: it is replaced after every edit below the file's folder (the working directory
    for a module), or below the folders of --reload-dir. Ctrl+C ends the server.
    """
    place = locate(target, app_name=app_name)
    environment = dict(os.environ)  # children read the environment file themselves: an edit of it counts
    read_env_file(env_file)
    load = cache(place.load)
    if reload is None:
        settings = None if workers > 1 or max_requests or reload_dirs else settings_of(load())
        reload = bool(reload_dirs) or (settings is not None and settings.DEBUG)
    elif reload_dirs and not reload:
        raise ConfigurationError("--reload-dir and --no-reload contradict each other: leave one out.")
    if root_path and (not root_path.startswith("/") or root_path.endswith("/")):
        raise ConfigurationError("--root-path starts with a slash and does not end with one: for example /api.")
    options = ServeOptions(
        name=target,
        host=host,
        port=port,
        root_path=root_path,
        log_level=log_level,
        workers=workers,
        max_requests=max_requests,
        reload=reload,
        reload_directories=watched_directories(reload_dirs, (place.root,)) if reload else (),
    )
    return launch(load, options, environment)
