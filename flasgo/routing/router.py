"""Router: a registrar that keeps its routes, and takes those of blueprints."""

from flasgo.errors import RegistrationError
from flasgo.routing.blueprint import Batch, Blueprint, checked_name, checked_prefix
from flasgo.routing.mount import Mount
from flasgo.routing.registrar import Registrar, RouteOptions
from flasgo.routing.rule import Rule


class Router(Registrar):
    """What an application is to those who register on it."""

    def __init__(self, owned: tuple[type, ...]) -> None:
        super().__init__(owned)
        self._mounts: dict[str, Mount] = {}

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
        self._add_rules([rule for each in batches for rule in self._rules_of(each)])
        self._mounts = mounts
        known = {id(one) for one in self._declared}
        for member in dict.fromkeys(each.blueprint for each in batches):
            self._declared += [one for one in member.declared if id(one) not in known]
            member.close()

    def _rules_of(self, batch: Batch) -> list[Rule]:
        rules = []
        for entry in batch.entries:
            options: RouteOptions = {**batch.shared, **entry.options}
            path = batch.prefix + entry.path or "/"
            rules.append(self._rule(path, entry.endpoint, entry.methods, options, batch.converters, mount=batch.mount))
        return rules
