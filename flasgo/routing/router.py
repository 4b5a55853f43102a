"""Router: a registrar that keeps its routes, and takes those of blueprints."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from flasgo.commands import Commands
from flasgo.context import current
from flasgo.errors import BuildError, RegistrationError
from flasgo.request import Request
from flasgo.routing.appcontext import AppContext
from flasgo.routing.appwide import Wide, keep_handler
from flasgo.routing.blueprint import Batch, Blueprint, checked_name, checked_prefix
from flasgo.routing.mount import Mount
from flasgo.routing.registrar import Registrar, RouteOptions
from flasgo.routing.rule import Rule
from flasgo.routing.urls import build_url
from flasgo.validation.codecs import NO_CODECS, Codecs


class Router(AppContext, Registrar):
    """What an application is to those who register on it."""

    def __init__(self, owned: tuple[type, ...], codecs: Codecs = NO_CODECS) -> None:
        AppContext.__init__(self)
        Registrar.__init__(self, owned, codecs)
        self._mounts: dict[str, Mount] = {}
        self._wide: list[Wide] = []

    def register_blueprint(
        self, blueprint: Blueprint, *, url_prefix: str | None = None, name: str | None = None
    ) -> None:
        """Take a blueprint and those nested in it; `url_prefix` and `name` replace its own.

        It is taken as a whole or, when anything in it could not work, not at all. From then on nothing can be added to it, but it may
        be registered again under another name.

        Raises RegistrationError, FrozenError.
        """
        self._check_open(f"blueprint {blueprint.name!r}")
        prefix = None if url_prefix is None else checked_prefix(url_prefix)
        name = None if name is None else checked_name(name)
        batches = list(blueprint.batches(self._converters, url_prefix=prefix, name=name))
        mounts = dict(self._mounts)
        for each in batches:
            if each.mount.name in mounts:
                raise RegistrationError(
                    f"There is a blueprint {each.mount.name!r} already. Register this one under another name: "
                    f"register_blueprint(…, name='…')."
                )
            mounts[each.mount.name] = each.mount
        groups = self._groups(batches)
        wider = self._wider(list(dict.fromkeys(each.blueprint for each in batches)))
        self._add_rules([rule for each in batches for rule in self._rules_of(each)])
        self._mounts = mounts
        self._widen(wider)
        for group, commands in groups.items():
            self.cli.add_group(group, commands)
        known = {id(one) for one in self._declared}
        for member in dict.fromkeys(each.blueprint for each in batches):
            self._declared += [one for one in member.declared if id(one) not in known]
            member.close()

    def _groups(self, batches: Sequence[Batch]) -> dict[str, Commands]:
        """The commands of the blueprints, by the names of their groups. Raises RegistrationError for a name that is taken."""
        groups = {each.mount.name: each.blueprint.cli for each in batches if each.blueprint.cli}
        for group in groups:
            self.cli.check_name(group)
        return groups

    def _wider(self, blueprints: Sequence[Blueprint]) -> list[Wide]:
        """What the blueprints give to the whole application, and have not given yet.

        Raises RegistrationError for an error that has a handler already.
        """
        wider = [each.wide for each in blueprints if each.wide not in self._wide]
        by_class, by_status = dict(self._by_class), dict(self._by_status)
        for wide in wider:
            for kind, hook in wide.handlers:
                keep_handler(by_class, by_status, kind, hook)
        return wider

    def _widen(self, wider: Iterable[Wide]) -> None:
        for wide in wider:
            self._wide.append(wide)
            self._before += wide.before
            self._after += wide.after
            self._teardown += wide.teardown
            self._by_class |= wide.by_class
            self._by_status |= wide.by_status
            self._furniture.processors += wide.processors

    def _meant(self, endpoint: str, values: dict[str, object]) -> str:
        """The endpoint that this name stands for; values that belong to it go into `values`."""
        raise NotImplementedError  # pragma: no cover - every application says it

    def _rules_of(self, batch: Batch) -> list[Rule]:
        rules = []
        for entry in batch.entries:
            options: RouteOptions = {**batch.shared, **entry.options}
            path = batch.prefix + entry.path or "/"
            rules.append(self._rule(path, entry.endpoint, entry.methods, options, batch.converters, mount=batch.mount))
        return rules

    def url_for(
        self,
        endpoint: str,
        /,
        *,
        _anchor: str | None = None,
        _external: bool = False,
        _scheme: str | None = None,
        **values: object,
    ) -> str:
        """The URL of the route of this name; values that its path does not take become the query.

        A name that begins with a dot is that of a route in the blueprint of the current request, or of a route in no blueprint where
        that has none.

        Inside a request it begins with the path under which the application is mounted. `_external` gives the whole URL, which
        needs a request; `_scheme` too, and replaces the request's scheme.

        Raises BuildError for an unknown name, a missing value, or one that the path's converter does not take.
        """
        request = current.get(None)
        if endpoint.startswith("."):
            endpoint = _absolute(endpoint, request)
        endpoint = self._meant(endpoint, values)
        candidates = self._rules_by_name.get(endpoint, [])
        if not candidates:
            near = get_close_matches(endpoint, self._rules_by_name, n=1)
            raise BuildError(f"There is no endpoint {endpoint!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        if len({id(rule.route.endpoint) for rule in candidates}) > 1:
            raise BuildError(
                f"Several handlers are named {endpoint!r}. Give their routes different names with `name=`."
            )
        root = "" if request is None else request.root_path
        patterns = [rule.pattern for rule in candidates]
        url = build_url(patterns, endpoint, values, root_path=root, anchor=_anchor)
        if not _external and _scheme is None:
            return url
        if request is None:
            raise BuildError(
                f"The whole URL of {endpoint!r} needs a request, which says the host. Leave out _external."
            )
        return f"{_scheme or request.scheme}://{request.host}{url}"


def _absolute(endpoint: str, request: Request | None) -> str:
    """The full name of an endpoint that is named from inside its blueprint. Raises BuildError outside a request."""
    if request is None:
        raise BuildError(
            f"{endpoint!r} is relative to the blueprint of a request, and there is none. Write the whole name."
        )
    return endpoint[1:] if request.blueprint is None else request.blueprint + endpoint
