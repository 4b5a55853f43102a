"""What applications and blueprints give to templates: filters, tests, globals, and context processors."""

from collections.abc import Callable, Mapping
from typing import TypeAlias, TypeVar, overload

from msgspec import Struct, field

from flasgo.plan.signature import arity, call_of, check_answers, endpoint_name, source_of

F = TypeVar("F", bound=Callable[..., object])

Processor: TypeAlias = Callable[[], Mapping[str, object]]
P = TypeVar("P", bound=Processor)


class Furniture(Struct):
    """By name, what templates may call; and the context processors, in the order of registration."""

    filters: dict[str, Callable[..., object]] = field(default_factory=dict)
    tests: dict[str, Callable[..., object]] = field(default_factory=dict)
    globals: dict[str, object] = field(default_factory=dict)
    processors: list[Processor] = field(default_factory=list)


class Furnisher:
    """The decorators for templates, shared by applications and blueprints.

    Filters, tests and globals hold in every template of the application: where two have one name, the application's own is taken, then that
    of the blueprint that was registered first. The context processors of a blueprint are for what its own routes render.
    """

    def __init__(self) -> None:
        self._furniture = Furniture()

    def _check_open(self, what: str) -> None:
        """Raise FrozenError when nothing may be registered any more."""
        raise NotImplementedError

    def _furnish(self) -> None:
        """Hand on what has been registered, if there is somebody to hand it to already."""

    @overload
    def template_filter(self, name: F, /) -> F: ...
    @overload
    def template_filter(self, name: str | None = None, /) -> Callable[[F], F]: ...
    def template_filter(self, name: F | str | None = None, /) -> F | Callable[[F], F]:
        """Let templates write `value|name`; the name is the function's unless another is given."""
        return _decorator(self.add_template_filter, name)

    @overload
    def template_test(self, name: F, /) -> F: ...
    @overload
    def template_test(self, name: str | None = None, /) -> Callable[[F], F]: ...
    def template_test(self, name: F | str | None = None, /) -> F | Callable[[F], F]:
        """Let templates write `value is name`; the name is the function's unless another is given."""
        return _decorator(self.add_template_test, name)

    @overload
    def template_global(self, name: F, /) -> F: ...
    @overload
    def template_global(self, name: str | None = None, /) -> Callable[[F], F]: ...
    def template_global(self, name: F | str | None = None, /) -> F | Callable[[F], F]:
        """Let templates call `name()`; the name is the function's unless another is given."""
        return _decorator(self.add_template_global, name)

    def add_template_filter(self, function: Callable[..., object], name: str | None = None) -> None:
        """`template_filter`, as a call."""
        self._check_open("a template filter")
        self._furniture.filters[name or endpoint_name(function)] = function
        self._furnish()

    def add_template_test(self, function: Callable[..., object], name: str | None = None) -> None:
        """`template_test`, as a call."""
        self._check_open("a template test")
        self._furniture.tests[name or endpoint_name(function)] = function
        self._furnish()

    def add_template_global(self, value: object, name: str | None = None) -> None:
        """Let templates use a function, or with a name any other value."""
        self._check_open("a template global")
        if name is None:
            if not callable(value):
                raise TypeError(f"A global of type {type(value).__name__} has no name of its own: pass one.")
            name = endpoint_name(value)
        self._furniture.globals[name] = value
        self._furnish()

    def context_processor(self, function: P) -> P:
        """Call `function()` before each rendering in a request, and give its mapping's items to the template; the render call's own win.

        Raises RegistrationError for a coroutine function and for one that takes arguments.
        """
        self._check_open("a context processor")
        self._furniture.processors.append(checked_processor(function))
        return function


def checked_processor(function: P) -> P:
    """Raise RegistrationError for what cannot be called while a template is rendered."""
    check_answers(function, "A context processor", "return the mapping.")
    arity(function, allowed=range(1), role="A context processor")
    if call_of(function) != "sync":
        raise source_of(function).mistake(
            "a context processor is called while a template is rendered, which may be in a thread: make it a plain function, "
            "and await what it needs in the handler or a before_request hook."
        )
    return function


def _decorator(add: Callable[[F, str | None], None], name: F | str | None) -> F | Callable[[F], F]:
    def register(function: F) -> F:
        add(function, name if isinstance(name, str) else None)
        return function

    return register if name is None or isinstance(name, str) else register(name)
