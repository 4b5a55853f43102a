"""F011 to F013: who stands before the application, and who serves it.

An application cannot see that by itself. What can be known is the environment in which it is checked, and the files beside it that
start it: Procfile, Dockerfile, compose files, units of systemd.
"""

import shlex
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path

from flasgo.checks.exposure import places
from flasgo.checks.model import Facts, Finding, Start

SERVERS = ("uvicorn", "gunicorn", "hypercorn", "granian", "daphne")
"""What else serves ASGI applications."""

FILES = ("Procfile", "Dockerfile*", "*.Dockerfile", "compose*.y*ml", "docker-compose*.y*ml", "*.service", "fly.toml")
MAX_FILE = 65_536
"""Bytes of such a file that are read."""

VARIABLES = ("FORWARDED_ALLOW_IPS", "GUNICORN_CMD_ARGS", "UVICORN_", "GRANIAN_", "WEB_CONCURRENCY")
"""What servers read from the environment."""

PROXY_NAMES = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"})

WIDE = {4: 8, 6: 16}
"""Prefix lengths below which a trusted network is most of the internet."""

FLASGO = "`flasgo run` has limits for heads, deadlines for slow clients, and 100 connections for each peer"


def starts_in(folder: Path) -> tuple[Start, ...]:
    """The lines of a folder's files that start a server other than `flasgo run`."""
    files = sorted({file for pattern in FILES for file in folder.glob(pattern) if file.is_file()})
    return tuple(start for file in files for start in _starts(file))


def _starts(file: Path) -> Iterator[Start]:
    with file.open(encoding="utf-8", errors="replace") as lines:
        text = lines.read(MAX_FILE)
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        words = _words(line)
        for place, word in enumerate(words[:-1]):
            name = word.rpartition("/")[2]
            if name in SERVERS and ":" in " ".join(words[place + 1 :]):
                yield Start(f"{file.name}:{number}", name, tuple(words[place + 1 :]))
                break


def _words(line: str) -> list[str]:
    """The words of a command, be it written for a shell or as a JSON list."""
    line = line.replace("[", " ").replace("]", " ").replace('",', '" ').replace("',", "' ")
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def variables_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The names that servers read, as far as they are set."""
    return tuple(sorted(name for name, value in environment.items() if value and name.startswith(VARIABLES)))


def workers_of(environment: Mapping[str, str]) -> int | None:
    """WEB_CONCURRENCY, by which servers know how many processes to start."""
    text = environment.get("WEB_CONCURRENCY", "")
    return int(text) if text.isascii() and text.isdigit() and int(text) else None


def has_parser() -> bool:
    """Is httptools there, which the hardened protocol is made of?"""
    return find_spec("httptools") is not None


# ── the checks ──────────────────────────────────────────────────────────────────────────────────────────────────────


def proxies(facts: Facts) -> Iterator[Finding]:
    settings = facts.settings
    wide = sorted(text for text in settings.TRUSTED_PROXIES if text != "unix" and _is_wide(text))
    if wide:
        yield Finding(
            "F011",
            "error",
            f"TRUSTED_PROXIES holds {', '.join(wide)}: nearly everyone may say which client, scheme and host a request has.",
            "Name the addresses of your own proxies.",
        )
    if settings.TRUSTED_PROXIES:
        return
    cure = "Name your proxies in TRUSTED_PROXIES, and use request.client_ip, request.scheme and request.host."
    if settings.PROXY_HEADERS != "x-forwarded":
        yield Finding(
            "F011",
            "warning",
            f"PROXY_HEADERS is {settings.PROXY_HEADERS!r}, but no proxy is trusted: they are ignored.",
            cure,
        )
    readers = [
        one
        for one in facts.routes
        if any(i.location == "header" and i.name in PROXY_NAMES for i in one.route.plan.inputs)
    ]
    if readers:
        yield Finding(
            "F011", "warning", "Handlers read headers of proxies, which every client can write:", cure, places(readers)
        )
    believed = [name for name in facts.environment if name in {"FORWARDED_ALLOW_IPS", "UVICORN_FORWARDED_ALLOW_IPS"}]
    lines = [start.place for start in facts.starts if start.value_of("--forwarded-allow-ips") is not None]
    if believed or lines:
        yield Finding(
            "F011",
            "warning",
            "The server believes headers of proxies before the application can judge them: client and scheme are what they say.",
            f"Take that away: uvicorn has --no-proxy-headers, `flasgo run` believes none. {cure}",
            (*believed, *lines),
        )


def _is_wide(text: str) -> bool:
    network = ip_network(text)
    return network.prefixlen < WIDE[network.version]


def protocol(facts: Facts) -> Iterator[Finding]:
    others = _others(facts)
    if others:
        yield Finding(
            "F012",
            "warning",
            f"Another server than `flasgo run` serves it: {FLASGO}, which others have not.",
            "Start it with `flasgo run TARGET --host … --workers …`, or let a proxy in front have those limits.",
            others,
        )
    elif not facts.hardened:
        yield Finding(
            "F012",
            "error",
            "httptools is not installed: `flasgo run` cannot serve by its hardened protocol.",
            "Install uvicorn[standard], as flasgo itself asks for.",
        )


def _others(facts: Facts) -> tuple[str, ...]:
    lines = [f"{start.place}: {start.server}" for start in facts.starts]
    return (*lines, *(name for name in facts.environment if name.startswith(("UVICORN_", "GUNICORN_", "GRANIAN_"))))


def graceful_end(facts: Facts) -> Iterator[Finding]:
    """Gunicorn has a timeout by default, `flasgo run` one of 30 seconds; uvicorn waits for ever, and is killed."""
    endless = [
        f"{start.place}: {start.server}"
        for start in facts.starts
        if start.server == "uvicorn" and start.value_of("--timeout-graceful-shutdown") is None
    ]
    if endless and "UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN" not in facts.environment:
        yield Finding(
            "F013",
            "warning",
            "uvicorn is started without a time in which open requests must end: one slow client keeps it from stopping.",
            "Add --timeout-graceful-shutdown 30, or start it with `flasgo run`, which has that.",
            tuple(endless),
        )
