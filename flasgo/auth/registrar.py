"""The part of an application that takes its auth backends."""

from flasgo.auth.model import AuthBackend
from flasgo.auth.registry import Backends
from flasgo.plan.documents import SecurityScheme


class AuthRegistrar:
    """Takes auth backends; whoever owns it says when it is too late (`_check_open`)."""

    _backends: Backends

    def _check_open(self, what: str) -> None:
        """Raise FrozenError when nothing may be registered any more."""
        raise NotImplementedError  # pragma: no cover - every application says it

    def register_auth_backend(
        self,
        name: str,
        backend: AuthBackend,
        *,
        challenge: str | None = None,
        ambient: bool | None = None,
        scheme: SecurityScheme | None = None,
    ) -> None:
        """Let routes that name this backend find out by it who is asking; another of the same name is replaced.

        Routes that name none use the one called "default". The keywords say of a function what the backends of flasgo know of
        themselves: the `challenge` of a 401 (RFC 9110 §11.6.1), whether browsers send its credentials by themselves (`ambient`; if
        not, requests without a session cookie need no CSRF check), and its `scheme` in the OpenAPI document.

        Raises RegistrationError for a blank name, or what cannot be called; FrozenError after the first request.
        """
        self._check_open(f"auth backend {name!r}")
        self._backends.register(name, backend, challenge=challenge, ambient=ambient, scheme=scheme)
