"""What a blueprint gives to the whole application, not to its own routes alone: as `before_app_request` and its kin have it in Flask."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from msgspec import Struct, field

from flasgo.errors import RegistrationError
from flasgo.pipeline.hooks import Hook, after_hook, before_hook, error_hook, teardown_hook
from flasgo.plan.signature import source_of
from flasgo.routing.furniture import Processor, checked_processor

F = TypeVar("F", bound=Callable[..., object])
P = TypeVar("P", bound=Processor)


class Wide(Struct, eq=False):
    """Hooks, error handlers and context processors, in the order of registration."""

    before: list[Hook] = field(default_factory=list)
    after: list[Hook] = field(default_factory=list)
    teardown: list[Hook] = field(default_factory=list)
    by_class: dict[type[Exception], Hook] = field(default_factory=dict)
    by_status: dict[int, Hook] = field(default_factory=dict)
    processors: list[Processor] = field(default_factory=list)

    @property
    def handlers(self) -> Iterator[tuple[type[Exception] | int, Hook]]:
        """The error handlers, each with what it is for."""
        yield from self.by_class.items()
        yield from self.by_status.items()


class AppWide:
    """The decorators of a blueprint that reach beyond it. What they take is the application's from `register_blueprint` on, once."""

    def __init__(self) -> None:
        self.wide = Wide()

    def _check_open(self, what: str) -> None:
        """Raise FrozenError when nothing may be registered any more."""
        raise NotImplementedError  # pragma: no cover - every blueprint says it

    def before_app_request(self, function: F) -> F:
        """`before_request` of the application."""
        self._check_open("a before_app_request hook")
        self.wide.before.append(before_hook(function))
        return function

    def after_app_request(self, function: F) -> F:
        """`after_request` of the application."""
        self._check_open("an after_app_request hook")
        self.wide.after.append(after_hook(function))
        return function

    def teardown_app_request(self, function: F) -> F:
        """`teardown_request` of the application."""
        self._check_open("a teardown_app_request hook")
        self.wide.teardown.append(teardown_hook(function))
        return function

    def app_context_processor(self, function: P) -> P:
        """`context_processor` of the application."""
        self._check_open("an application's context processor")
        self.wide.processors.append(checked_processor(function))
        return function

    def app_errorhandler(self, kind: type[Exception] | int) -> Callable[[F], F]:
        """`errorhandler` of the application.

        Raises RegistrationError for a kind that is no error, or that has a handler already.
        """
        self._check_open("an application's error handler")
        check_kind(kind)

        def register(function: F) -> F:
            keep_handler(self.wide.by_class, self.wide.by_status, kind, error_hook(function))
            return function

        return register


def check_kind(kind: object) -> None:
    """Raise RegistrationError for what is neither an exception class nor one of the error statuses (RFC 9110 §15)."""
    if isinstance(kind, type) and issubclass(kind, Exception):
        return
    if type(kind) is int and 400 <= kind <= 599:  # noqa: PLR2004 - see above
        return
    raise RegistrationError(f"errorhandler({kind!r}): give an exception class or a status from 400 to 599.")


def keep_handler(
    by_class: dict[type[Exception], Hook], by_status: dict[int, Hook], kind: type[Exception] | int, hook: Hook
) -> None:
    """Note what answers errors of a kind. Raises RegistrationError where something does already."""
    other = by_class.get(kind) if isinstance(kind, type) else by_status.get(kind)
    if other is not None:
        first = source_of(other.function)
        raise source_of(hook.function).mistake(f"{kind!r} has an error handler already: {first}. Keep one of them.")
    if isinstance(kind, type):
        by_class[kind] = hook
    else:
        by_status[kind] = hook
