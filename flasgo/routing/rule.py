"""Rule: a route where it stands."""

from msgspec import Struct

from flasgo.plan.model import Route
from flasgo.routing.pattern import Pattern


class Rule(Struct, frozen=True):
    """A route and the parsed pattern of its path."""

    route: Route
    pattern: Pattern
