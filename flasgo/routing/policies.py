"""How a policy that a decorator declares finds its routes, whatever other decorators stand above or below it.

    @app.get("/x")             the policy is declared for `f`, the route is of `wrapped`, which leads to `f`
    @wrapped
    @app.authorize(…)
    def f(): …

    @app.authorize(…)          the policy is declared for `wrapped`, which leads to `f`, the route's own endpoint
    @wrapped
    @app.get("/x")
    def f(): …

A policy that finds no route is a RegistrationError: what was meant to be protected is never silently public.
"""

import functools
import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from types import FunctionType, MethodType
from typing import TypeVar
from weakref import WeakSet

from msgspec import Struct
from msgspec.structs import replace

from flasgo.plan.model import Endpoint, Source
from flasgo.plan.signature import source_of
from flasgo.routing.mount import defaults_of
from flasgo.routing.rule import Rule

F = TypeVar("F", bound=Callable[..., object])

TAKES_ANYTHING = 0x04 | 0x08
"""The code flags of `*args` and `**kwargs`: a function that takes both passes them on to another."""

MAX_LAYERS = 64
"""Callables that are looked at behind one endpoint."""


class Declared(Struct, eq=False):
    """A policy: one option of every route whose endpoint is `target`, or leads to it, or is what it leads to."""

    target: Endpoint
    option: Struct
    what: str
    source: Source
    attached: bool = False


_marked: list[Declared] = []
"""What the decorators that belong to no application have declared."""


def declare(target: F, option: Struct, what: str, *, into: list[Declared] | None = None) -> F:
    """Note a policy for a function, which is returned unchanged; `into` is an application's own list.

    Raises RegistrationError for what cannot be called.
    """
    source = source_of(target)
    (_marked if into is None else into).append(Declared(target, option, what, source))
    return target


def with_policies(rules: Sequence[Rule], declared: Sequence[Declared]) -> list[Rule]:
    """The rules, each with the options of its policies, the innermost decorator's first, then those of its blueprints."""
    everything = [*_marked, *declared]
    if not everything and all(rule.mount is None for rule in rules):
        return list(rules)
    by_target: dict[object, list[Declared]] = {}
    by_layer: dict[object, list[Declared]] = {}
    for one in everything:
        by_target.setdefault(_identity(one.target), []).append(one)
        for layer in layers(one.target):
            by_layer.setdefault(_identity(layer), []).append(one)
    order = {id(one): number for number, one in enumerate(everything)}
    found = []
    for rule in rules:
        endpoint = rule.route.endpoint
        reached = [one for layer in layers(endpoint) for one in by_target.get(_identity(layer), ())]
        around = by_layer.get(_identity(endpoint), ())
        policies = sorted({id(one): one for one in (*reached, *around)}.values(), key=lambda one: order[id(one)])
        for one in policies:
            one.attached = True
        more = (*(one.option for one in policies), *defaults_of(rule.mount))
        route = replace(rule.route, options=(*rule.route.options, *more)) if more else rule.route
        found.append(replace(rule, route=route) if more else rule)
    return found


_registered: WeakSet[Callable[..., object]] = WeakSet()
"""The endpoints of all applications and blueprints."""


def note_endpoint(endpoint: Endpoint) -> None:
    """Remember that a callable is on a route of some application; one that cannot be referred to weakly is on none, here."""
    with suppress(TypeError):
        _registered.add(getattr(endpoint, "__func__", endpoint))


def check_attached(rules: Sequence[Rule], declared: Sequence[Declared]) -> None:
    """Raise RegistrationError for a policy that has found no route: of this application, or of a file that it has handlers in."""
    files = {rule.route.plan.source.file for rule in rules}
    lost = [one for one in declared if not one.attached]
    astray = [one for one in _marked if not one.attached and one.source.file in files]
    if astray:
        elsewhere = {_identity(layer) for endpoint in tuple(_registered) for layer in layers(endpoint)}
        lost += [one for one in astray if _identity(one.target) not in elsewhere and _is_in_use(one)]
    if lost:
        raise lost[0].source.mistake(
            f"{lost[0].what} stands on no route: a decorator between it and the route hides the function. "
            f"Use functools.wraps in that decorator, or put {lost[0].what} right below the route's own decorator."
        )


def _is_in_use(one: Declared) -> bool:
    """Does anything refer to the function but its mark? What nothing can call is hidden by no decorator: its program has dropped it."""
    return any(referrer is not one for referrer in gc.get_referrers(one.target))


def layers(endpoint: object) -> Iterator[object]:
    """A callable, and every callable that it leads to: wrapped, partially applied, bound, or called by a wrapper."""
    waiting, seen = [endpoint], set[int]()
    while waiting and len(seen) < MAX_LAYERS:
        layer = waiting.pop(0)
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        yield layer
        waiting += (inner for inner in _inside(layer) if callable(inner) and not isinstance(inner, type))


def _inside(layer: object) -> Iterable[object]:
    if isinstance(layer, (functools.partial, functools.partialmethod)):
        return (layer.func,)
    if isinstance(layer, MethodType):
        return (layer.__func__,)
    wrapped = getattr(layer, "__wrapped__", None)
    if wrapped is not None:
        return (wrapped,)
    if not isinstance(layer, FunctionType):
        return vars(layer).values() if hasattr(layer, "__dict__") else ()
    if layer.__code__.co_flags & TAKES_ANYTHING != TAKES_ANYTHING:
        return ()  # what a handler itself calls has nothing to do with it
    return [cell.cell_contents for cell in layer.__closure__ or () if _is_filled(cell)]


def _is_filled(cell: object) -> bool:
    return hasattr(cell, "cell_contents")


def _identity(layer: object) -> object:
    """What two mentions of one callable have in common: bound methods are made anew each time."""
    return (id(layer.__self__), id(layer.__func__)) if isinstance(layer, MethodType) else id(layer)
