"""Blueprint: routes, hooks and error handlers that an application takes as a whole.

A blueprint is a record of what was registered on it. `batches` turns it, and those nested in it, into what the application
builds its routes from, each time that it is registered, so that one blueprint may be registered under several names.
"""

from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Unpack

from msgspec import Struct

from flasgo.errors import FrozenError, RegistrationError
from flasgo.pipeline.errors import ErrorHandlers
from flasgo.pipeline.hooks import Hooks
from flasgo.plan.cors import CORS, cors_option
from flasgo.plan.model import Endpoint
from flasgo.plan.signature import endpoint_name, source_of
from flasgo.routing.appwide import AppWide
from flasgo.routing.converters import Converters
from flasgo.routing.mount import Mount
from flasgo.routing.options import check_options
from flasgo.routing.pattern import parse
from flasgo.routing.policies import Declared
from flasgo.routing.registrar import Registrar, RouteOptions, SharedOptions

NOTHING_SHARED: SharedOptions = {}


class Entry(Struct, frozen=True):
    """A route of a blueprint, as it was registered."""

    path: str
    endpoint: Endpoint
    methods: Iterable[str]
    options: RouteOptions


class Nested(Struct, frozen=True):
    """A blueprint in a blueprint, and what replaces its own prefix and name there."""

    blueprint: "Blueprint"
    url_prefix: str | None
    name: str | None


class Blueprint(AppWide, Registrar):
    """Routes, hooks, error handlers and policies under one name and prefix, for `app.register_blueprint`.

    `name` stands before the names of its routes: `url_for("name.view")`. `url_prefix` stands before their paths and may hold
    placeholders. `template_folder`, seen from the working directory, is where templates are looked for after the application's own.
    `static_folder` is served below prefix and `static_url_path`, as the route `static`; then the prefix has no placeholders.
    `defaults` are options that all its routes get, after their own; the other keywords are those of a route, for
    every route that does not say otherwise.

    Hooks registered here run for its routes alone, and for paths under its prefix that no route matches; those of the whole
    application are `before_app_request` and its kin. Its commands, `cli`, are grouped under its name: `flasgo cmd TARGET blog publish`.

    Raises RegistrationError for a name with a dot, a prefix without a slash at its beginning, and a folder that is none.
    """

    def __init__(
        self,
        name: str,
        *,
        url_prefix: str = "",
        template_folder: str | PathLike[str] | None = None,
        static_folder: str | PathLike[str] | None = None,
        static_url_path: str = "/static",
        defaults: Iterable[Struct] = (),
        **options: Unpack[SharedOptions],
    ) -> None:
        AppWide.__init__(self)
        Registrar.__init__(self, owned=())
        self.name = checked_name(name)
        check_options(options, SharedOptions.__optional_keys__, self._mistake)
        self.url_prefix = checked_prefix(url_prefix)
        self.template_folder = _checked_folder("template_folder", template_folder)
        self.static_folder = _checked_folder("static_folder", static_folder)
        self.static_url_path = checked_prefix(static_url_path)
        self._defaults = [*self._shared_cors(options), *defaults]
        self._options = options
        self._entries: list[Entry] = []
        self._nested: list[Nested] = []
        self._closed = False

    def _shared_cors(self, options: SharedOptions) -> tuple[CORS, ...]:
        """What `cors=` says: a default, so that it also holds for what no route of this blueprint matches."""
        if "cors" not in options:
            return ()
        try:
            return (cors_option(options.pop("cors")),)
        except ValueError as error:
            raise self._mistake(str(error)) from None

    def _mistake(self, problem: str) -> RegistrationError:
        return RegistrationError(f"Blueprint {self.name!r}: {problem}")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} with {len(self._entries)} routes>"

    def _check_open(self, what: str) -> None:
        if self._closed:
            raise FrozenError(
                f"{what} was added to blueprint {self.name!r} after that was registered, so nobody would see it. "
                "Register a blueprint when everything in it has been defined: import its modules first."
            )

    def add_route(
        self,
        path: str,
        endpoint: Endpoint,
        *,
        methods: Iterable[str] = ("GET",),
        **options: Unpack[RouteOptions],
    ) -> None:
        """Register `endpoint`, any callable, for `path`, which is "" for the prefix itself, and `methods`.

        Its signature is read when the blueprint is registered: only then are the names in the prefix known. Raises
        RegistrationError for a name with a dot, and FrozenError when the blueprint is registered already.
        """
        source = source_of(endpoint)
        self._check_open(f"route {path!r}")
        name = options.get("name") or endpoint_name(endpoint)
        if "." in name:
            raise source.mistake(
                f"the name {name!r} has a dot, which stands between a blueprint and its routes; pass another `name=`."
            )
        if path and not path.startswith("/"):
            raise source.mistake(f"path {path!r} does not begin with '/'; write {f'/{path}'!r}.")
        words = (
            methods if isinstance(methods, str) else tuple(methods)
        )  # one string is refused where the route is built
        self._entries.append(Entry(path, endpoint, words, options))

    def add_default(self, option: Struct) -> None:
        """Give every route of this blueprint, and of those nested in it, an option after its own."""
        self._check_open(f"option {type(option).__name__}")
        self._defaults.append(option)

    def register_blueprint(
        self, blueprint: "Blueprint", *, url_prefix: str | None = None, name: str | None = None
    ) -> None:
        """Nest a blueprint in this one; `url_prefix` and `name` replace its own.

        Raises RegistrationError where it is, or holds, this one.
        """
        self._check_open(f"blueprint {blueprint.name!r}")
        if self in blueprint.family:
            raise RegistrationError(
                f"Blueprint {blueprint.name!r} is, or holds, {self.name!r}: a blueprint cannot be nested in itself."
            )
        prefix = None if url_prefix is None else checked_prefix(url_prefix)
        self._nested.append(Nested(blueprint, prefix, None if name is None else checked_name(name)))

    @property
    def family(self) -> frozenset["Blueprint"]:
        """This blueprint and all that are nested in it."""
        return frozenset({self}).union(*(each.blueprint.family for each in self._nested))

    @property
    def declared(self) -> tuple[Declared, ...]:
        """The policies that its decorators have declared."""
        return tuple(self._declared)

    def close(self) -> None:
        """Take nothing more."""
        self._closed = True

    def batches(
        self, converters: Converters, *, url_prefix: str | None = None, name: str | None = None
    ) -> "Iterator[Batch]":
        """What becomes of this blueprint and of those in it when it is registered, the outer before the inner.

        Raises RegistrationError for a prefix that is no pattern.
        """
        return self.expand(Nested(self, url_prefix, name), converters)

    def expand(
        self,
        here: Nested,
        converters: Converters,
        outer: Mount | None = None,
        before: str = "",
        shared: SharedOptions = NOTHING_SHARED,
    ) -> "Iterator[Batch]":
        """`batches`, for a blueprint inside others."""
        converters = self._converters.over(converters)
        name = self.name if here.name is None else here.name
        prefix = before + (self.url_prefix if here.url_prefix is None else here.url_prefix)
        try:
            pattern = parse(prefix, converters) if prefix else None
        except RegistrationError as error:
            raise RegistrationError(f"The prefix of blueprint {name!r}: {error}") from None
        mount = Mount(
            name=name if outer is None else f"{outer.name}.{name}",
            prefix=pattern,
            hooks=Hooks(tuple(self._before), tuple(self._after), tuple(self._teardown)),
            handlers=ErrorHandlers(dict(self._by_class), dict(self._by_status)),
            defaults=tuple(self._defaults),
            furniture=self._furniture,
            template_folder=self.template_folder,
            outer=outer,
        )
        shared = {**shared, **self._options}
        yield Batch(self, mount, prefix, converters, tuple(self._entries), shared)
        for each in self._nested:
            yield from each.blueprint.expand(each, converters, mount, prefix, shared)


class Batch(Struct, frozen=True):
    """A blueprint under one name and prefix: all that its routes are built from."""

    blueprint: Blueprint
    mount: Mount
    prefix: str
    converters: Converters
    entries: tuple[Entry, ...]
    shared: SharedOptions


def checked_name(name: str) -> str:
    """The name of a blueprint. Raises RegistrationError for one that `url_for` could not take apart."""
    if not name or "." in name or not name.isprintable():
        raise RegistrationError(
            f"{name!r} cannot name a blueprint: dots stand between it and its routes, as in url_for('blog.index'). "
            "Use a word such as 'blog'."
        )
    return name


def checked_prefix(prefix: str) -> str:
    """A prefix without slashes at its end. Raises RegistrationError unless it is empty or begins with one."""
    if prefix and not prefix.startswith("/"):
        raise RegistrationError(f"url_prefix {prefix!r} does not begin with '/'; write {f'/{prefix}'!r}.")
    return prefix.rstrip("/")


def _checked_folder(what: str, folder: str | PathLike[str] | None) -> str | PathLike[str] | None:
    if folder is not None and not Path(folder).is_dir():
        raise RegistrationError(
            f"{what}={str(folder)!r} is no folder, seen from {str(Path.cwd())!r}; "
            f"write Path(__file__).parent / {Path(folder).name!r} for one beside the blueprint's module."
        )
    return folder
