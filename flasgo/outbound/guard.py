"""Where URLs given by users may lead: the guard against server-side request forgery (CWE-918).

In this order: the URL parses · its scheme, userinfo, host and port are allowed · its name is not one of this machine or of a
metadata service · it is looked up, once · **every** address found may be reached · one of them is pinned into the URL. Whoever
connects to that URL connects to the address that was checked, whatever DNS says a moment later; name and port of the original
go into Host and TLS. docs/guides/outbound-requests.md has recipes that do.
"""

from collections.abc import Sequence

from msgspec import Struct

from flasgo.http.url import DEFAULT_PORTS
from flasgo.outbound.addresses import Address, Reach, Verdict, verdict_of, verdict_of_name
from flasgo.outbound.config import AllowedHosts, SSRFConfig, checked
from flasgo.outbound.lookup import lookup, lookup_async
from flasgo.outbound.urls import OutboundURL, SSRFViolation, join_url, parse_url

PORTS_OF_SCHEMES = {**DEFAULT_PORTS, "ws": 80, "wss": 443}


class SSRFResolvedURL(Struct, frozen=True):
    """Where to connect, and what to say there.

    url            what to fetch: the original with `address` in place of its host
    hostname       the name for TLS (SNI and certificate), in lower-case ASCII; an address without brackets where that was given
    host_header    the Host to send
    port           to connect to
    address        the pinned one; None for a host unknown to DNS, where that is allowed: then `url` is the original
    original_url   as given, or as a redirect led to
    redirects      that were followed until here

    With a disabled guard `url` is the original, and the parts are empty.
    """

    original_url: str
    url: str
    hostname: str
    port: int
    address: Address | None
    host_header: str
    redirects: int = 0

    def __repr__(self) -> str:  # paths, queries and userinfo are often secrets, and this ends up in logs
        return f"{type(self).__name__}(hostname={self.hostname!r}, port={self.port}, address={self.address!r})"


class SSRFGuard:
    """Answers where a URL leads, or refuses it.

    Raises ConfigurationError for a configuration that does not fit.
    """

    def __init__(self, config: SSRFConfig | None = None) -> None:
        self.config = checked(config or SSRFConfig())
        self._hosts = AllowedHosts(self.config.allowed_hosts)
        self._ports = self.config.allowed_ports or frozenset(DEFAULT_PORTS.values())

    def resolve_url(self, url: str) -> SSRFResolvedURL:
        """Where to connect for this URL. Waits for DNS; in async code use `aresolve_url`.

        Raises SSRFViolation.
        """
        return self._resolve(url, redirects=0)

    async def aresolve_url(self, url: str) -> SSRFResolvedURL:
        """Where to connect for this URL.

        Raises SSRFViolation.
        """
        return await self._aresolve(url, redirects=0)

    def redirect_target(self, current: SSRFResolvedURL, location: str) -> SSRFResolvedURL:
        """Where to connect for the Location that the answer from `current` had, checked like a URL of its own.

        Raises SSRFViolation; for every redirect while `max_redirects` is 0, and for one from https to anything else.
        """
        return self._resolve(self._next_url(current, location), current.redirects + 1)

    async def aredirect_target(self, current: SSRFResolvedURL, location: str) -> SSRFResolvedURL:
        """What `redirect_target` answers, without waiting for DNS.

        Raises SSRFViolation likewise.
        """
        return await self._aresolve(self._next_url(current, location), current.redirects + 1)

    def _resolve(self, url: str, redirects: int) -> SSRFResolvedURL:
        if not self.config.enabled:
            return _untouched(url, redirects)
        parts, port = self._admit(url)
        found = (parts.address,) if parts.address else lookup(parts.host, port, self.config.resolve_timeout)
        return self._pin(url, parts, port, found, redirects)

    async def _aresolve(self, url: str, redirects: int) -> SSRFResolvedURL:
        if not self.config.enabled:
            return _untouched(url, redirects)
        parts, port = self._admit(url)
        found = (parts.address,) if parts.address else await lookup_async(parts.host, port, self.config.resolve_timeout)
        return self._pin(url, parts, port, found, redirects)

    def _admit(self, url: str) -> tuple[OutboundURL, int]:
        """The parts of a URL, and the port it leads to, when nothing but DNS is left to be asked."""
        parts = parse_url(url)
        if parts.scheme not in self.config.allowed_schemes:
            allowed = ", ".join(sorted(self.config.allowed_schemes))
            raise SSRFViolation(
                f"A URL of the scheme {parts.scheme} may not be fetched, only {allowed}.", "scheme_not_allowed"
            )
        if parts.userinfo is not None and not self.config.allow_userinfo:
            raise SSRFViolation("The URL holds a user name or password. Leave it out.", "userinfo_not_allowed")
        if parts.host not in self._hosts:
            raise SSRFViolation(f"{parts.host} is not among the hosts that may be fetched.", "host_not_allowed")
        port = PORTS_OF_SCHEMES.get(parts.scheme) if parts.port is None else parts.port
        if port is None:
            raise SSRFViolation(f"The scheme {parts.scheme} has no port of its own. Write one.", "port_not_allowed")
        if port not in self._ports:
            allowed = ", ".join(map(str, sorted(self._ports)))
            raise SSRFViolation(f"Port {port} may not be connected to, only {allowed}.", "port_not_allowed")
        self._check(parts.host, verdict_of_name(parts.host))
        return parts, port

    def _check(self, host: str, verdict: Verdict) -> None:
        allowed = verdict.reach is Reach.PUBLIC or (
            verdict.reach is Reach.PRIVATE and self.config.allow_private_networks
        )
        if not allowed:
            raise SSRFViolation(f"{host} leads to {verdict.what}, which may not be fetched.", "address_not_allowed")

    def _pin(
        self, url: str, parts: OutboundURL, port: int, found: Sequence[Address], redirects: int
    ) -> SSRFResolvedURL:
        if not found:
            if not self.config.allow_unresolvable_hosts:
                raise SSRFViolation(f"{parts.host} is not known to DNS. Check its spelling.", "unresolvable_host")
            return SSRFResolvedURL(url, url, parts.host, port, None, parts.host_header, redirects)
        for address in found:
            self._check(parts.host, verdict_of(address))
        pinned = min(found, key=lambda address: address.packed)
        return SSRFResolvedURL(url, parts.at(pinned), parts.host, port, pinned, parts.host_header, redirects)

    def _next_url(self, current: SSRFResolvedURL, location: str) -> str:
        most = self.config.max_redirects
        if current.redirects >= most:
            message = f"More than {most} redirects are not followed." if most else "Redirects are not followed."
            raise SSRFViolation(message, "redirect_not_allowed")
        url = join_url(current.original_url, location)
        if _is_https(current.original_url) and not _is_https(url):
            raise SSRFViolation("A redirect from https to anything else is not followed.", "redirect_not_allowed")
        return url


def _is_https(url: str) -> bool:
    return url[:6].lower() == "https:"


def _untouched(url: str, redirects: int) -> SSRFResolvedURL:
    return SSRFResolvedURL(url, url, "", 0, None, "", redirects)
