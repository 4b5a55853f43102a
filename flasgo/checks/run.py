"""Every check in its order, and what they look at: the application as it will serve, frozen."""

import logging
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias, TypeVar

from flasgo.app import Flasgo, logger
from flasgo.auth.stage import Authentication
from flasgo.checks import configuration, exposure, folders, keys, serving
from flasgo.checks.model import SEVERITIES, Facts, Finding, Judged
from flasgo.errors import ConfigurationError
from flasgo.plan.files import StaticFolder
from flasgo.plan.model import Route
from flasgo.security.csrf import CSRF
from flasgo.settings import Settings

S = TypeVar("S", bound=Settings)

Check: TypeAlias = Callable[[Facts], Iterator[Finding]]

ALWAYS: tuple[Check, ...] = (folders.static_folders, configuration.autoescape, exposure.cross_origin)
"""What is as wrong on a developer's machine as anywhere."""

DEPLOYED: tuple[Check, ...] = (
    keys.secret_key,
    keys.fallbacks,
    configuration.debug,
    configuration.hosts,
    configuration.cookies,
    exposure.forgery,
    configuration.transport,
    exposure.headers,
    exposure.documents,
    configuration.limits,
    serving.proxies,
    serving.protocol,
    serving.graceful_end,
    exposure.counted_apart,
    exposure.permissions,
    keys.random_with_workers,
)


def check(
    app: Flasgo[S], *, deploy: bool = False, workers: int | None = None, folder: Path | None = None
) -> list[Finding]:
    """Everything that is wrong with an application, the worst first; with `deploy` also what is right in development alone.

    `workers`: how many processes will serve, by default what WEB_CONCURRENCY says. `folder` (default: the working directory)
    is where files may start a server. F000 is an application that cannot be frozen: then nothing else is looked at.
    """
    try:
        with _quiet(logger):
            facts = facts_of(app, workers=workers, folder=Path.cwd() if folder is None else folder)
    except ConfigurationError as error:
        return [
            Finding(
                "F000", "error", str(error), "Nothing else could be looked at; no request could be answered either."
            )
        ]
    checks: Iterable[Check] = (*ALWAYS, *DEPLOYED) if deploy else ALWAYS
    found = [finding for one in checks for finding in one(facts)]
    return sorted(found, key=lambda finding: (SEVERITIES.index(finding.severity), finding.id))


def facts_of(app: Flasgo[S], *, workers: int | None, folder: Path) -> Facts:
    """What the checks look at. Raises ConfigurationError for an application that cannot be frozen."""
    stages = app.freeze().stages
    policies = next(stage.policies for stage in stages if isinstance(stage, Authentication))
    csrf = any(isinstance(stage, CSRF) for stage in stages)

    def judged(route: Route) -> Judged:
        wanted = policies.wanted(route)
        ambient = wanted is None or wanted.policy.ambient
        return Judged(route, wanted, csrf and CSRF.protects(route), ambient)

    environment = serving.variables_of(os.environ)
    static = (route.option(StaticFolder) for route in app.routes)
    return Facts(
        settings=app.settings,
        routes=tuple(judged(route) for route in app.routes),
        folders=tuple(option.directory for option in static if option is not None),
        autoescape=None if app.templates is None else app.templates.environment.autoescape,
        workers=serving.workers_of(os.environ) if workers is None else workers,
        environment=environment,
        starts=serving.starts_in(folder),
        hardened=serving.has_parser(),
    )


@contextmanager
def _quiet(noisy: logging.Logger) -> Generator[None]:
    """What it would say here is a finding."""
    before = noisy.disabled
    noisy.disabled = True
    try:
        yield
    finally:
        noisy.disabled = before
