"""`flasgo openapi TARGET`: an application's OpenAPI document, and what changed in it that its clients would feel."""

import json
from pathlib import Path
from typing import Any

import click

from flasgo.app import Flasgo
from flasgo.cli.environment import env_file_option, read_env_file
from flasgo.cli.target import load_target
from flasgo.errors import ConfigurationError
from flasgo.openapi.compare import incompatible

EXIT_INCOMPATIBLE = 1
COMPARED = "3.1."
"""The schemas of 3.0 and 2.0 mean other things by the same words."""


@click.command()
@click.argument("target")
@click.option("--app", "app_name", metavar="NAME", help="Name of the application in TARGET, instead of after a colon.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to FILE, not to stdout.")
@click.option(
    "--check",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Compare with the document in FILE; status 1 and a line for each change that breaks clients.",
)
@env_file_option
def openapi(target: str, app_name: str | None, output: Path | None, check: Path | None, env_file: Path | None) -> int:
    """Print the OpenAPI document of the application TARGET.

    TARGET is written as for `flasgo run`. With --check nothing is printed but what is incompatible, unless there is -o: that
    file is written when nothing is.
    """
    read_env_file(env_file)
    app = load_target(target, app_name=app_name)
    if not isinstance(app, Flasgo):
        raise ConfigurationError(f"{target!r} is an ASGI application, but not of flasgo: it has no document.")
    spec = app.openapi_spec()
    if check is not None:
        lines = _changes(check, spec)
        for line in lines:
            click.echo(line)
        if lines:
            return EXIT_INCOMPATIBLE
    text = json.dumps(spec, indent=2, ensure_ascii=False) + "\n"
    if output is not None:
        _write(output, text)
    elif check is None:
        click.echo(text, nl=False)
    return 0


def _changes(file: Path, spec: dict[str, Any]) -> list[str]:
    """What breaks clients of the document in the file. Raises ConfigurationError where that is none."""
    old = _read(file)
    try:
        return incompatible(old, spec)
    except (AttributeError, KeyError, RecursionError, TypeError):
        raise ConfigurationError(f"{file} is no OpenAPI document that can be read. Write one with -o.") from None


def _read(file: Path) -> dict[str, Any]:
    """The document of a file. Raises ConfigurationError where there is none."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{file} is not JSON: {error}.") from None
    if not isinstance(found, dict) or not isinstance(found.get("paths"), dict):
        raise ConfigurationError(f"{file} is no OpenAPI document: it has no paths. Write one with -o.")
    version = str(found.get("openapi", found.get("swagger", "none")))
    if not version.startswith(COMPARED):
        raise ConfigurationError(f"{file} is of OpenAPI {version}, but only 3.1 can be compared. Write one with -o.")
    return found


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}.") from None
