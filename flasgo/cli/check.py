"""`flasgo check TARGET`: what is wrong with an application, before somebody else finds it."""

import json
import shutil
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from msgspec import to_builtins

from flasgo.app import Flasgo
from flasgo.checks.model import SEVERITIES, Finding, Severity
from flasgo.checks.run import ALWAYS, DEPLOYED
from flasgo.checks.run import check as checked
from flasgo.cli.environment import env_file_option, read_env_file
from flasgo.cli.failures import shown_path, users_code
from flasgo.cli.target import load_target
from flasgo.errors import ConfigurationError

_FOUND_ERRORS = 1
"""The exit status where there is an error among the findings."""

_COLOURS: dict[Severity, str] = {"error": "red", "warning": "yellow", "info": "cyan"}
_COLUMN = 14
_WIDTH = 100
_SHOWN = 10
"""Routes, files or lines that are shown of one finding; --json has them all."""


@click.command()
@click.argument("target")
@click.option("--app", "app_name", metavar="NAME", help="Name of the application in TARGET, instead of after a colon.")
@click.option("--deploy", is_flag=True, help="Look also for what is right in development alone.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="How many processes will serve it; by default what WEB_CONCURRENCY says, if anything.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array with an object for each finding.")
@env_file_option
def check(  # noqa: PLR0917 - click passes every option by name
    target: str, app_name: str | None, deploy: bool, workers: int | None, as_json: bool, env_file: Path | None
) -> int:
    """Look for what is wrong with the application TARGET.

    TARGET is written as for `flasgo run`. The exit status is 1 where there is an error among the findings, and 0 where there are
    warnings alone, or nothing. Nothing is served, and no network is used.
    """
    read_env_file(env_file)
    app = load_target(target, app_name=app_name)
    if not isinstance(app, Flasgo):
        raise ConfigurationError(f"{target!r} is an ASGI application, but not of flasgo: it cannot be looked into.")
    with users_code(f"{target!r} could not be checked"):
        findings = checked(app, deploy=deploy, workers=workers)
    if as_json:
        click.echo(json.dumps(to_builtins(findings), indent=2))
    else:
        for line in _text(findings, target, deploy=deploy):
            click.echo(line)
    return _FOUND_ERRORS if any(finding.severity == "error" for finding in findings) else 0


def _text(findings: Sequence[Finding], target: str, *, deploy: bool) -> Iterator[str]:
    if not findings:
        checks = len(ALWAYS) + (len(DEPLOYED) if deploy else 0)
        more = "" if deploy else "; --deploy looks for more"
        yield f"{target}: nothing found by {checks} checks{more}."
        return
    width = min(_WIDTH, shutil.get_terminal_size().columns)
    for finding in findings:
        yield from _lines(finding, width)
        yield ""
    counts = Counter(finding.severity for finding in findings)
    yield ", ".join(f"{counts[each]} {_counted(each, counts[each])}" for each in SEVERITIES if counts[each]) + "."


def _lines(finding: Finding, width: int) -> Iterator[str]:
    severity = finding.severity
    first, *rest = _wrapped(finding.message, width)
    head = f"{finding.id} {click.style(severity, fg=_COLOURS[severity], bold=True)}"
    yield head + " " * (_COLUMN - len(finding.id) - 1 - len(severity)) + first
    indent = " " * _COLUMN
    yield from (indent + line for line in rest)
    for place in finding.where[:_SHOWN]:
        what, gap, file = place.rpartition("  ")
        yield f"{indent}  {what}{gap}{shown_path(file) if gap else file}"
    if finding.where[_SHOWN:]:
        yield f"{indent}  and {len(finding.where) - _SHOWN} more"
    yield from (indent + click.style(line, dim=True) for line in _wrapped(finding.hint, width))


def _wrapped(text: str, width: int) -> list[str]:
    return [
        line
        for part in text.splitlines()
        for line in textwrap.wrap(part, max(width - _COLUMN, 30), break_long_words=False, break_on_hyphens=False)
    ]


def _counted(severity: Severity, count: int) -> str:
    if severity == "info":
        return "note" if count == 1 else "notes"
    return severity if count == 1 else f"{severity}s"
