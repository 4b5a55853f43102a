"""`flasgo routes TARGET`: which requests an application answers, and where its handlers are written."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import click
from msgspec import Struct, to_builtins

from flasgo.app import Flasgo
from flasgo.cli.environment import env_file_option, read_env_file
from flasgo.cli.failures import shown_path
from flasgo.cli.target import load_target
from flasgo.errors import ConfigurationError
from flasgo.plan.access import Policy
from flasgo.plan.cors import cors_of, cors_of_settings
from flasgo.plan.limits import RateLimitRule, rule_of, rules_of
from flasgo.plan.model import Route
from flasgo.security.csrf import CSRF
from flasgo.settings import Settings

_TITLES: tuple[str, ...] = ("PATH", "METHODS", "NAME", "LIMITS", "HANDLER", "SOURCE")
_LIMITS = _TITLES.index("LIMITS")
_POLICY_TITLES: tuple[str, ...] = ("PATH", "METHODS", "PERMISSIONS", "BACKENDS", "CSRF", "LIMITS", "CORS")


class _Row(Struct, frozen=True):
    """One route as it is listed. HEAD and OPTIONS are answered as well; only what was registered is named."""

    path: str
    methods: tuple[str, ...]
    name: str
    handler: str
    file: str
    line: int
    limits: tuple[str, ...] = ()


class _PolicyRow(Struct, frozen=True):
    """What one route asks of its callers."""

    path: str
    methods: tuple[str, ...]
    permissions: tuple[str, ...]
    backends: tuple[str, ...]
    csrf: Literal["checked", "with a login", "with a session", "off", "-"]
    limits: tuple[str, ...]
    cors: str | None

    def cells(self) -> tuple[str | tuple[str, ...], ...]:
        dash = ("-",)
        return (
            self.path,
            self.methods,
            self.permissions or dash,
            self.backends or dash,
            self.csrf,
            self.limits or dash,
            self.cors or "-",
        )


@click.command()
@click.argument("target")
@click.option("--app", "app_name", metavar="NAME", help="Name of the application in TARGET, instead of after a colon.")
@click.option("--policy", is_flag=True, help="Show who may call each route, and how often.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array with an object for each route.")
@env_file_option
def routes(target: str, app_name: str | None, policy: bool, as_json: bool, env_file: Path | None) -> int:
    """List the routes of the application TARGET, by path; with --policy, what each asks of its callers.

    TARGET is written as for `flasgo run`.
    """
    read_env_file(env_file)
    app = load_target(target, app_name=app_name)
    if not isinstance(app, Flasgo):
        raise ConfigurationError(
            f"{target!r} is an ASGI application, but not of flasgo: only flasgo's routes are known."
        )
    defaults = [rule_of(text) for text in app.settings.RATE_LIMIT_DEFAULT]
    if policy:
        asked = [_policy_row(route, app.settings, defaults) for route in app.resolved_routes()]
        asked.sort(key=lambda row: (row.path, row.methods))
        cells = [tuple(", ".join(c) if isinstance(c, tuple) else c for c in row.cells()) for row in asked]
        titles = _POLICY_TITLES
        if not any(row.cors for row in asked):
            titles, *cells = [line[:-1] for line in (titles, *cells)]
        click.echo(json.dumps(to_builtins(asked), indent=2) if as_json else _aligned(titles, cells))
        return 0
    rows = sorted((_row(route, defaults) for route in app.routes), key=lambda row: (row.path, row.methods))
    click.echo(json.dumps(to_builtins(rows), indent=2) if as_json else _table(rows))
    return 0


def _policy_row(route: Route, settings: Settings, limits: Sequence[RateLimitRule]) -> _PolicyRow:
    policy = route.option(Policy)
    cors = cors_of(route, cors_of_settings(settings))
    return _PolicyRow(
        path=route.path,
        methods=tuple(sorted(route.methods)),
        permissions=() if policy is None else policy.permissions,
        backends=() if policy is None else policy.backends,
        csrf=_csrf(route, settings, policy),
        limits=tuple(map(str, rules_of(route, limits))),
        cors=None if cors is None else str(cors),
    )


def _csrf(
    route: Route, settings: Settings, policy: Policy | None
) -> Literal["checked", "with a login", "with a session", "off", "-"]:
    """Are unsafe requests checked: always, or only where there is a login, or a session; "-" for routes that are safe."""
    if not CSRF.protects(route):
        return "-" if route.csrf else "off"
    if not settings.CSRF_ENABLED:
        return "off"
    if policy is None or not (policy.by_login or not policy.ambient):
        return "checked"
    return "with a login" if policy.ambient else "with a session"


def _row(route: Route, defaults: Sequence[RateLimitRule]) -> _Row:
    source = route.plan.source
    module: object = getattr(route.endpoint, "__module__", None)
    return _Row(
        path=route.path,
        methods=tuple(sorted(route.methods)),
        name=route.name,
        handler=f"{module}:{source.name}",
        file=source.file,
        line=source.line,
        limits=tuple(str(rule) for rule in rules_of(route, defaults)),
    )


def _table(rows: Iterable[_Row]) -> str:
    lines: list[tuple[str, ...]] = [
        (
            row.path,
            ", ".join(row.methods),
            row.name,
            ", ".join(row.limits),
            row.handler,
            f"{shown_path(row.file)}:{row.line}",
        )
        for row in rows
    ]
    titles = _TITLES
    if not any(line[_LIMITS] for line in lines):
        titles, *lines = [(*line[:_LIMITS], *line[_LIMITS + 1 :]) for line in (_TITLES, *lines)]
    return _aligned(titles, lines)


def _aligned(titles: tuple[str, ...], lines: Sequence[tuple[str, ...]]) -> str:
    if not lines:
        return "No routes."
    widths = [max(map(len, column)) for column in zip(titles, *lines, strict=True)]
    padded = ([cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in (titles, *lines))
    return "\n".join("  ".join(cells).rstrip() for cells in padded)
