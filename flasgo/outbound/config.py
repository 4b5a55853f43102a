"""What outbound requests may do."""

from collections.abc import Collection
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from flasgo.errors import ConfigurationError
from flasgo.outbound.urls import SSRFViolation, parse_host
from flasgo.settings import Port, Settings


class SSRFConfig(Struct, frozen=True):
    """The rules of an SSRFGuard, which checks them.

    allowed_schemes            lower case, without "://"
    allowed_hosts              empty: every host; else see AllowedHosts
    allow_private_networks     this machine and private networks too; never cloud metadata services
    allow_userinfo             user names and passwords in URLs
    allow_unresolvable_hosts   what DNS does not know is handed back unpinned: **no protection** against a name that is known later
    allowed_ports              empty: 80 and 443
    max_redirects              0: none; 3 at most
    resolve_timeout            seconds to wait for DNS, 5 at most
    """

    enabled: bool = True
    allowed_schemes: frozenset[str] = frozenset({"http", "https"})
    allowed_hosts: frozenset[str] = frozenset()
    allow_private_networks: bool = False
    allow_userinfo: bool = False
    allow_unresolvable_hosts: bool = False
    allowed_ports: frozenset[Port] = frozenset()
    max_redirects: Annotated[int, Meta(ge=0, le=3)] = 0
    resolve_timeout: Annotated[float, Meta(gt=0, le=5, extra={"unit": "seconds"})] = 5.0

    @classmethod
    def from_settings(cls, settings: Settings) -> "SSRFConfig":
        """The rules that the SSRF_ settings make."""
        return cls(
            enabled=settings.SSRF_ENABLED,
            allowed_schemes=settings.SSRF_ALLOWED_SCHEMES,
            allowed_hosts=settings.SSRF_ALLOWED_HOSTS,
            allow_private_networks=settings.SSRF_ALLOW_PRIVATE_NETWORKS,
            allow_userinfo=settings.SSRF_ALLOW_USERINFO,
            allow_unresolvable_hosts=settings.SSRF_ALLOW_UNRESOLVABLE_HOSTS,
            allowed_ports=settings.SSRF_ALLOWED_PORTS,
            max_redirects=settings.SSRF_MAX_REDIRECTS,
        )


def checked(config: SSRFConfig) -> SSRFConfig:
    """An equal configuration whose values are of their types and within their bounds.

    Raises ConfigurationError.
    """
    try:
        fit = msgspec.convert(msgspec.structs.asdict(config), type(config))
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"SSRFConfig does not fit: {error}") from None
    if fit.enabled and not fit.allowed_schemes:
        raise ConfigurationError("SSRFConfig.allowed_schemes must not be empty while enabled; no URL could pass")
    return msgspec.structs.replace(fit, allowed_schemes=frozenset(scheme.lower() for scheme in fit.allowed_schemes))


class AllowedHosts:
    """The hosts that may be named, from patterns. No pattern at all: every host.

        api.example.com    that host; an address likewise
        .example.com       it and its sub-domains
        *.example.com      its sub-domains
        *                  every host

    Raises ConfigurationError for any other pattern.
    """

    def __init__(self, patterns: Collection[str]) -> None:
        self._everything = not patterns or "*" in patterns
        names: set[str] = set()
        suffixes: set[str] = set()
        for pattern in patterns:
            if pattern == "*":
                continue
            domain = pattern[2:] if pattern.startswith("*.") else pattern.removeprefix(".")
            host = _normal(domain, pattern)
            if not pattern.startswith("*."):
                names.add(host)
            if domain != pattern:
                suffixes.add(f".{host}")
        self._names = frozenset(names)
        self._suffixes = tuple(suffixes)

    def __contains__(self, host: str) -> bool:
        return self._everything or host in self._names or host.endswith(self._suffixes)


def _normal(host: str, pattern: str) -> str:
    """The host of a pattern as that of a URL is compared; IPv6 may go without brackets."""
    bare = host.count(":") > 1 and not host.startswith("[")
    try:
        return parse_host(f"[{host}]" if bare else host)[0]
    except SSRFViolation:
        raise ConfigurationError(
            f"{pattern!r} is no host that outbound requests could be allowed. Write 'api.example.com', '.example.com' "
            "with its sub-domains, '*.example.com' for these alone, or '*'; ports are allowed by themselves."
        ) from None
