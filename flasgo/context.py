"""The request in hand, and the proxies that stand for it: `request`, `session`, `current_user` and `g`.

One ContextVar holds the Request; everything else hangs on it. A thread of the pool runs in a copy of the context, so
the proxies work in sync handlers as they do on the loop.
"""

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar, cast

from msgspec import Struct, field

from flasgo.current import current as in_hand
from flasgo.identity import User
from flasgo.request import Request
from flasgo.session import Session
from flasgo.state import State

C = TypeVar("C", bound=Callable[..., object])

current = cast("ContextVar[Request]", in_hand)
# Found once: Python 3.11 makes an object of each method of an imported name whenever it is called.
enter, leave = current.set, current.reset


def current_request(name: str = "request") -> Request:
    """The request that is being answered. Raises RuntimeError, with advice, where there is none."""
    try:
        return current.get()
    except LookupError:
        raise RuntimeError(
            f"`{name}` was used outside a request. Use it in a handler or hook, or pass what you need as an argument."
        ) from None


class Proxy:
    """Stands for an object that is found anew at every use; reads, writes, calls and operators go to that object."""

    _find: Callable[[], Any]  # the object is of any type: what users see is typed where the proxy is made
    _name: str

    def __init__(self, name: str, find: Callable[[], object]) -> None:
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_find", find)

    def __getattr__(self, attribute: str) -> Any:  # see _find
        try:
            found = self._find()
        except RuntimeError:
            if attribute.startswith("__"):  # test runners and the like ask everything in a module such things
                raise AttributeError(attribute) from None
            raise
        return getattr(found, attribute)

    def __setattr__(self, attribute: str, value: object) -> None:
        setattr(self._find(), attribute, value)

    def __delattr__(self, attribute: str) -> None:
        delattr(self._find(), attribute)

    def __call__(self) -> Any:  # 0.5.1: session() is the object itself
        return self._find()

    def __repr__(self) -> str:
        return f"<{self._name} proxy>"

    def __eq__(self, other: object) -> bool:
        return bool(self._find() == other)

    def __hash__(self) -> int:
        return hash(self._find())

    def __bool__(self) -> bool:
        return bool(self._find())

    def __len__(self) -> int:
        return len(self._find())

    def __iter__(self) -> Iterator[Any]:  # see _find
        return iter(self._find())

    def __contains__(self, item: object) -> bool:
        return item in self._find()

    def __getitem__(self, key: object) -> Any:  # see _find
        return self._find()[key]

    def __setitem__(self, key: object, value: object) -> None:
        self._find()[key] = value

    def __delitem__(self, key: object) -> None:
        del self._find()[key]


request = cast("Request", Proxy("request", current_request))
"""The current Request."""

session = cast("Session", Proxy("session", lambda: current_request("session").session))
"""The session of the current request."""

current_user = cast("User", Proxy("current_user", lambda: current_request("current_user").user))
"""Who is asking: `Request.user` of the current request."""


class Apart(Struct, eq=False):
    """What `app_context` is: an application where there is no request, and what is kept there."""

    app: Any  # a Flasgo; its module stands far above this one
    g: State = field(default_factory=State)


apart: ContextVar[Apart | None] = ContextVar("flasgo.apart", default=None)


def app_in_hand() -> object:
    """The application that answers the current request; without one, that of `app_context`."""
    found = apart.get() if current.get(None) is None else None
    return current_request("current_app").app if found is None else found.app


def _kept() -> State:
    found = apart.get() if current.get(None) is None else None
    return current_request("g").g if found is None else found.g


g = cast("State", Proxy("g", _kept))
"""A namespace for the length of the current request; without one, of the `app_context` around."""


def has_app_context() -> bool:
    """Is there an application in hand here, of a request or of `app_context`, so that `current_app` and `g` can be used?"""
    return current.get(None) is not None or apart.get() is not None


def after_this_request(function: C) -> C:
    """Call `function(response)` when the current request has been answered, before its `after_request` hooks.

    It is called on the event loop and may change the response, or return another. Raises RuntimeError outside a request.
    """
    request = current_request("after_this_request()")
    if request.afterwards is None:
        request.afterwards = []
    request.afterwards.append(function)
    return function


def has_request_context() -> bool:
    """Is a request being answered here, so that `request`, `session` and `g` can be used?"""
    return current.get(None) is not None


def csp_nonce() -> str:
    """The Content-Security-Policy nonce of the current request: see `Request.csp_nonce`."""
    return current_request("csp_nonce()").csp_nonce


def csrf_token() -> str:
    """A CSRF token of the current request: see `Request.csrf_token`."""
    return current_request("csrf_token()").csrf_token()
