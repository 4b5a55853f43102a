"""The calls that a request needs: of its providers, each once, in the order in which they are due, and of its handler.

Everything is an expression of names that the generated handle has: `query.a0`, `values[1]`, `body`, `d0`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from flasgo.errors import Location
from flasgo.http.forms import FormData
from flasgo.identity import User
from flasgo.plan.model import Argument, Call, Dependency, HandlerPlan, Injected, Input, Provider
from flasgo.request import Request
from flasgo.session import Session

Given: TypeAlias = Callable[[Request], object]
"""What makes the value of a parameter that is injected by type."""

Lasting: TypeAlias = Callable[[Provider], object]
"""What holds the value of a provider whose scope is the application."""

Where: TypeAlias = Literal["await", "either", "inline", "thread", "app"]
"""How a provider is called: awaited; on the loop, its answer awaited if it can be; on the loop or wherever its neighbours
are, since it is a class; in a thread; or not at all, its value being the application's.
"""

BY_CALL: Mapping[Call, Where] = {"async": "await", "either": "either", "sync": "thread"}

TEXT_LOCATIONS: tuple[Location, ...] = ("path", "query", "header", "cookie")

FORMS: frozenset[Location] = frozenset({"form", "file"})


class Step(Struct, frozen=True):
    """One call of a provider: `target` is the variable that gets its value, `call` the expression that makes it."""

    target: str
    call: str
    where: Where
    form: Literal["value", "generator", "context"] = "value"
    on_loop: bool = False


class Calls:
    """Writes the calls of one handler; `steps` grow, and `names` get what the calls use."""

    def __init__(
        self,
        plan: HandlerPlan,
        parameters: tuple[str, ...],
        givens: Mapping[type, Given],
        lasting: Lasting,
        names: dict[str, object],
    ) -> None:
        self.steps: list[Step] = []
        self._parameters = parameters
        self._givens = givens
        self._lasting = lasting
        self._names = names
        self._inputs = _expressions(plan, parameters)
        self._made: dict[object, str] = {}

    def arguments(self, arguments: Iterable[Argument], surplus: tuple[str, ...] = ()) -> str:
        """The arguments of a call, whose providers' steps are added."""
        call = []
        for argument in arguments:
            expression = self._expression(argument.value)
            call.append(expression if argument.positional else f"{argument.parameter}={expression}")
        call += [f"{name}=values[{self._parameters.index(name)}]" for name in surplus]
        return ", ".join(call)

    def _expression(self, value: Input | Injected | Dependency) -> str:
        if isinstance(value, Dependency):
            return self._provided(value)
        if isinstance(value, Injected):
            return self._injected(value)
        return "body" if value.whole else self._inputs[value.location, value.name]

    def _injected(self, value: Injected) -> str:
        kind = value.kind
        if kind is Request:
            return "request"
        if kind is FormData:
            return "submitted"
        if issubclass(kind, Session):
            return "request.session"
        if issubclass(kind, User):
            if not value.optional:
                return "request.user"  # whether there is one, and of this class, was asked before (auth/stage.py)
            user = self._named("user", kind)
            return f"(request.user if request.user.is_authenticated and isinstance(request.user, {user}) else None)"
        given = next(self._givens[base] for base in kind.__mro__ if base in self._givens)
        return f"{self._named('provide', given)}(request)"

    def _provided(self, dependency: Dependency) -> str:
        provider = dependency.provider
        if dependency.cached and provider.key in self._made:
            return self._made[provider.key]
        if provider.scope == "app":
            call = self._named("app", self._lasting(provider))
        else:
            arguments = self.arguments(provider.arguments)
            call = f"{self._named('call', provider.function)}({arguments})"
        target = f"d{len(self.steps)}"
        self.steps.append(Step(target, call, _where(provider), provider.form, provider.on_loop))
        if dependency.cached:
            self._made[provider.key] = target
        return target

    def _named(self, prefix: str, value: object) -> str:
        name = f"{prefix}{len(self._names)}"
        self._names[name] = value
        return name


def _where(provider: Provider) -> Where:
    if provider.scope == "app":
        return "app"
    if provider.form == "value":
        return "inline" if isinstance(provider.function, type) else BY_CALL[provider.call]
    if provider.call == "async":
        return "await"  # a coroutine function that gives a context manager
    return "inline" if provider.on_loop else "thread"


def _expressions(plan: HandlerPlan, parameters: tuple[str, ...]) -> dict[tuple[Location, str], str]:
    """Where each input but the whole body is found once its location has been read."""
    found: dict[tuple[Location, str], str] = {}
    places: dict[Location, int] = {}
    for one in plan.inputs:
        if one.whole:
            continue
        if one.ready:
            expression = f"values[{parameters.index(one.name)}]"
        else:
            location: Location = "form" if one.location in FORMS else one.location
            place = places[location] = places.get(location, -1) + 1
            expression = f"{location}.a{place}"
        found[one.location, one.name] = expression
    return found
