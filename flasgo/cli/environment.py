"""Environment files. Only the command reads them: what an application gets is its environment, whoever starts it."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
from dotenv import load_dotenv

from flasgo.errors import ConfigurationError

_DEFAULT = Path(".env")

Command = TypeVar("Command", bound=Callable[..., object])


def env_file_option(command: Command) -> Command:
    """The option `--env-file`, the same for every verb that loads an application."""
    return click.option(
        "--env-file",
        type=click.Path(path_type=Path),
        help="File of NAME=value lines to add to the environment; by default .env in the working directory, if there is one.",
    )(command)


def read_env_file(named: Path | None) -> None:
    """Add the lines of the file to the environment; a variable that is set already stays as it is.

    Raises ConfigurationError for a named file that cannot be read. `.env` may be missing (or be a folder, as some name their
    virtual environment).
    """
    if named is None and not _DEFAULT.is_file():
        return
    path = named or _DEFAULT
    try:
        with path.open(encoding="utf-8-sig") as lines:
            load_dotenv(stream=lines, override=False)
    except FileNotFoundError:
        raise ConfigurationError(f"There is no environment file {str(path)!r}: check --env-file.") from None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigurationError(f"The environment file {str(path)!r} cannot be read: {why}.") from None
