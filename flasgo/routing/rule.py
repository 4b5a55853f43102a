"""Rule: a route where it stands."""

from msgspec import Struct

from flasgo.plan.model import Route
from flasgo.routing.mount import Mount
from flasgo.routing.pattern import Pattern


class Rule(Struct, frozen=True):
    """A route, the parsed pattern of its path, and the blueprint's registration that it belongs to, if any."""

    route: Route
    pattern: Pattern
    mount: Mount | None = None
