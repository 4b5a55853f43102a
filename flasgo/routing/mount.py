"""Mount: what a registered blueprint gives its routes beside their own options."""

from collections.abc import Iterator, Sequence
from os import PathLike
from typing import TypeAlias

from msgspec import Struct, field

from flasgo.pipeline.errors import ErrorHandlers
from flasgo.pipeline.hooks import Hooks
from flasgo.routing.converters import PATH
from flasgo.routing.furniture import Furniture, Processor
from flasgo.routing.pattern import Pattern, Placeholder, Segment


class Mount(Struct, frozen=True, eq=False):
    """One registration of a blueprint, compared by identity.

    `name` is the full one, as in `url_for("admin.users.index")`; `prefix` the full path before its routes, None where it
    has none. `defaults` are options of every route in it, after the routes' own.
    """

    name: str
    prefix: Pattern | None
    hooks: Hooks
    handlers: ErrorHandlers
    defaults: tuple[Struct, ...] = ()
    furniture: Furniture = field(default_factory=Furniture)
    template_folder: str | PathLike[str] | None = None
    outer: "Mount | None" = None

    @property
    def chain(self) -> "Mounts":
        """The mounts around a route of this one, the outermost first."""
        return (*(self.outer.chain if self.outer is not None else ()), self)

    @property
    def processors(self) -> tuple[Processor, ...]:
        """The context processors of these mounts, the outermost's first."""
        return tuple(each for mount in self.chain for each in mount.furniture.processors)


Mounts: TypeAlias = tuple[Mount, ...]


def defaults_of(mount: Mount | None) -> tuple[Struct, ...]:
    """The options that a route gets from its blueprint and those around it, the innermost's first."""
    return () if mount is None else tuple(one for each in reversed(mount.chain) for one in each.defaults)


_END = Segment(("",))
_REST = Segment(("", ""), (Placeholder("rest", PATH, bare=False),))
_FORMS = (("", ()), ("/", (_END,)), ("/<path:rest>", (_REST,)))


def own_ground(mounts: Sequence[Mount]) -> Iterator[tuple[Mount, tuple[Pattern, ...]]]:
    """The mounts that answer what no route matches under their prefix, each with the patterns of all these paths.

    Mounts without a prefix have no ground, nor have those that cannot be told apart by theirs: it belongs to the mount around them,
    where one of them is around the others, and else to that of the next shorter prefix.
    """
    alike: dict[tuple[object, ...], list[Mount]] = {}
    for mount in mounts:
        if mount.prefix is not None and not any(segment.is_path for segment in mount.prefix.segments):
            alike.setdefault(mount.prefix.form, []).append(mount)
    for group in alike.values():
        first, *others = group
        prefix = first.prefix
        if prefix is not None and all(first in other.chain for other in others):
            yield first, tuple(Pattern(f"{prefix.source}{text}", prefix.segments + more) for text, more in _FORMS)
