"""Rule: a route where it stands."""

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from flasgo.plan.dependencies import key_of
from flasgo.plan.model import Endpoint, Route
from flasgo.plan.places import Context, plan_handler
from flasgo.plan.signature import source_of
from flasgo.routing.mount import Mount
from flasgo.routing.pattern import Pattern


class Rule(Struct, frozen=True):
    """A route, the parsed pattern of its path, and the blueprint's registration that it belongs to, if any."""

    route: Route
    pattern: Pattern
    mount: Mount | None = None


def with_providers(rule: Rule, owned: tuple[type, ...], replaced: Mapping[object, Endpoint]) -> Rule:
    """The rule with other providers, by the keys of those that they stand in for."""
    route = rule.route
    if not route.plan.provider_keys & replaced.keys():
        return rule
    types = {each.name: each.converter.python_type for each in rule.pattern.placeholders}
    plan = plan_handler(route.endpoint, Context(types, frozenset(), owned, route.methods, replaced, route.plan.codecs))
    return replace(rule, route=replace(route, plan=plan))


def by_key(rules: Iterable[Rule], replacements: Mapping[Endpoint, Endpoint]) -> dict[object, Endpoint]:
    """The stand-ins by the keys of the providers. Raises RegistrationError for a provider that no route depends on."""
    known = {key for rule in rules for key in rule.route.plan.provider_keys}
    for provider in replacements:
        if key_of(provider) not in known:
            raise source_of(provider).mistake("no route depends on it; name the provider as Depends() has it.")
    return {key_of(provider): stand_in for provider, stand_in in replacements.items()}
