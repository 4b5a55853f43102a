"""The Host check: which names this application answers to (RFC 9110 §7.2).

Exactly one Host. Whatever breaks its grammar (http/hosts.py), or is not in ALLOWED_HOSTS, is a 400 before anything else looks
at the request.
"""

from collections.abc import Iterable

from flasgo.errors import HostNotAllowed, HTTPException
from flasgo.events import SecurityLog
from flasgo.http.hosts import MAX_HOST_BYTES, AllowedHosts, host_name
from flasgo.pipeline.stage import GateStep, Part
from flasgo.plan.model import Route
from flasgo.request import Request

MAX_REMEMBERED = 1024
"""Accepted values of Host that are kept; they come from clients, so what is kept of them has an end."""


class HostCheck:
    """The stage that lets only requests for this application's own names pass."""

    def __init__(self, patterns: Iterable[str], *, log: SecurityLog) -> None:
        self.allowed = AllowedHosts(patterns)
        self.log = log
        self._accepted: set[bytes | None] = set()
        known = 'not request.repeats and fields.get(b"host") in known_hosts'
        self._part = Part((GateStep(self.check, when=f"not ({known})"),), names={"known_hosts": self._accepted})

    def compile(self, _route: Route | None, /) -> Part:
        return self._part

    def rejections(self, _route: Route | None, /) -> tuple[type[HTTPException], ...]:
        return (HostNotAllowed,)

    def check(self, request: Request) -> None:
        """Raise HostNotAllowed unless the request names exactly one allowed host."""
        fields = request.fields
        host = fields.get(b"host")
        if host not in self._accepted and not self._accept(host):
            self._refuse(request)
        if request.repeats and len(request.headers.getlist("host")) != 1:
            self._refuse(request)

    def _accept(self, host: bytes | None) -> bool:
        if host is None or host_name(host) not in self.allowed:
            return False
        if len(self._accepted) < MAX_REMEMBERED:
            self._accepted.add(host)
        return True

    def _refuse(self, request: Request) -> None:
        self.log.write("host-check-failed", request, host=request.fields.get(b"host", b"")[:MAX_HOST_BYTES])
        raise HostNotAllowed("This host is not served here. If it is yours, add it to ALLOWED_HOSTS.")
