"""Routes → an OpenAPI 3.1.1 document, from the plans that decode their requests and render their answers.

Nothing is described twice: a type's schema is msgspec's, an error's status is what a stage says that it may answer. What
the document leaves out is what it has no words for: methods that OpenAPI does not know.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct, to_builtins

from flasgo.errors import ConfigurationError, CSRFFailed, HTTPException
from flasgo.openapi.answers import Answers
from flasgo.openapi.inputs import body_of, parameters_of
from flasgo.openapi.schemas import Schema, Schemas
from flasgo.pipeline.errors import ErrorNet
from flasgo.pipeline.stage import Securing, Stage
from flasgo.plan.access import is_for_clients
from flasgo.plan.documents import Additions, Described, Secured, SecurityScheme
from flasgo.plan.signature import docstring_of
from flasgo.routing.mount import Mount
from flasgo.routing.pattern import Pattern
from flasgo.routing.rule import Rule
from flasgo.settings import Settings
from flasgo.validation.codecs import NO_CODECS, Codecs

VERSION = "3.1.1"

METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
"""The methods that a path item has a place for, in OpenAPI's order (§4.8.9.1); no route answers TRACE."""

SAFE = frozenset({"get", "head", "options"})

CSRF_PARAMETER = "CSRFToken"

_NOT_IN_ID = re.compile(r"[^A-Za-z0-9_.-]+")


class Around(Protocol):
    """What stands around a route: the stages, and what answers its errors."""

    @property
    def stages(self) -> Sequence[Stage]: ...
    @property
    def errors(self) -> ErrorNet: ...


class Subject(Struct, frozen=True):
    """What a document is about: the routes, and what stands around those of each blueprint."""

    rules: Sequence[Rule]
    around: Callable[[Mount | None], Around]
    settings: Settings
    additions: Additions
    codecs: Codecs = NO_CODECS


def document(subject: Subject) -> dict[str, Any]:
    """The OpenAPI document, JSON in Python's types.

    Raises ConfigurationError where two operations have one id, or would have one place: OpenAPI tells paths apart by all but
    their parameters (§4.8.8.2), so that it cannot say that these are of other types.
    """
    found = _Writer(subject).document()
    for hook in subject.additions.hooks:
        hook(found)
    return found


class _Writer:
    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.schemas = Schemas(subject.codecs)
        self.answers = Answers(self.schemas)
        self.security: Schema = {}
        self.ids: dict[str, Rule] = {}
        self.places: dict[tuple[str, str], Rule] = {}
        self.tags: dict[str, None] = {}
        self.paths: Schema = {}
        self.protects = False

    def document(self) -> Schema:
        settings = self.subject.settings
        for rule in self._included():
            self._add(rule)
        schemas = self.schemas.finish()
        self.answers.finish()
        info: Schema = {"title": settings.API_TITLE, "version": settings.API_VERSION}
        if settings.API_DESCRIPTION:
            info["description"] = settings.API_DESCRIPTION
        components: Schema = {"schemas": schemas, "responses": self.answers.shared}
        if self.protects:
            components["parameters"] = {CSRF_PARAMETER: self._csrf_parameter()}
        security = self._schemes()
        if security:
            components["securitySchemes"] = security
        found: Schema = {"openapi": VERSION, "info": info, "paths": self.paths, "components": components}
        if settings.API_SERVERS:
            found["servers"] = [_server(url, text) for url, text in settings.API_SERVERS.items()]
        tags = _tags({**self.subject.additions.tags, **settings.API_TAGS}, self.tags)
        return found | ({"tags": tags} if tags else {})

    def _included(self) -> list[Rule]:
        """The rules that are described, those first whose ids were chosen, so that no made one takes them."""
        rules = [rule for rule in self.subject.rules if _described(rule).included]
        for rule in rules:
            for operation_id in self._chosen(rule).values():
                other = self.ids.setdefault(operation_id, rule)
                if other is not rule:
                    raise ConfigurationError(
                        f"{rule.route.plan.source}: operation_id={operation_id!r} is that of {other.route.plan.source} already; "
                        "give each its own."
                    )
        return rules

    def _chosen(self, rule: Rule) -> dict[str, str]:
        chosen, methods = _described(rule).operation_id, _methods(rule)
        if chosen is None:
            return {}
        return dict.fromkeys(methods, chosen) if len(methods) == 1 else {m: f"{chosen}_{m}" for m in methods}

    def _add(self, rule: Rule) -> None:
        path = template(rule.pattern)
        names = [each.name for each in rule.pattern.placeholders]
        shape = _shape(path)
        same = next((known for known in self.paths if _shape(known) == shape), path)
        renamed = dict(zip(names, re.findall(r"{([^{}]+)}", same), strict=False))
        item = self.paths.setdefault(same, {})
        for method in _methods(rule):
            other = self.places.setdefault((shape, method), rule)
            if other is not rule:
                raise ConfigurationError(
                    f"{rule.route.plan.source}: {method.upper()} {rule.route.path} differs from {other.route.path}, "
                    f"{other.route.plan.source}, by its converters alone, and OpenAPI has one place for both. Give one of "
                    "them a path of its own, or leave one out of the document: include_in_schema=False."
                )
            operation = self._operation(rule, method)
            for parameter in operation.get("parameters", ()):
                if parameter.get("in") == "path":
                    parameter["name"] = renamed[parameter["name"]]
            item[method] = operation

    def _operation(self, rule: Rule, method: str) -> Schema:
        route, described = rule.route, _described(rule)
        summary, description = docstring_of(route.endpoint)
        operation: Schema = {"operationId": self._id(rule, method)}
        if described.summary or summary:
            operation["summary"] = described.summary or summary
        if described.description or description:
            operation["description"] = described.description or description
        if described.tags:
            operation["tags"] = list(described.tags)
            self.tags |= dict.fromkeys(described.tags)
        if described.deprecated:
            operation["deprecated"] = True
        rejections = self._rejections(rule, method)
        parameters = parameters_of(rule, self.schemas)
        if CSRFFailed in rejections and not is_for_clients(rule.route):
            self.protects = True
            parameters.append({"$ref": f"#/components/parameters/{CSRF_PARAMETER}"})
        if parameters:
            operation["parameters"] = parameters
        body = body_of(rule, self.schemas) if method not in {"get", "head"} else None
        if body is not None:
            operation["requestBody"] = body
        operation["responses"] = self.answers.of(rule, rejections, self.subject.around(rule.mount).errors.handlers)
        security = self._security(rule)
        if security:
            operation["security"] = security
        return operation

    def _stages(self, rule: Rule) -> Sequence[Stage]:
        return self.subject.around(rule.mount).stages

    def _rejections(self, rule: Rule, method: str) -> tuple[type[HTTPException], ...]:
        kinds = dict.fromkeys(kind for stage in self._stages(rule) for kind in stage.rejections(rule.route))
        return tuple(kind for kind in kinds if kind is not CSRFFailed or method not in SAFE)

    def _id(self, rule: Rule, method: str) -> str:
        chosen = self._chosen(rule).get(method)
        if chosen is not None:
            return chosen
        base = _NOT_IN_ID.sub("_", f"{rule.route.name}_{method}")
        made, number = base, 2
        while made in self.ids:
            made, number = f"{base}_{number}", number + 1
        self.ids[made] = rule
        return made

    def _security(self, rule: Rule) -> list[Schema]:
        found: list[Schema] = []
        for stage in self._stages(rule):
            secured = stage.secured(rule.route) if isinstance(stage, Securing) else None
            if secured is not None:
                self.security |= {_key(scheme): _scheme(scheme) for scheme in secured.schemes}
                found += _requirements(secured)
        return found

    def _schemes(self) -> Schema:
        """Those of the backends, and those that extensions add."""
        added = {_key(scheme): _scheme(scheme) for scheme in self.subject.additions.schemes.values()}
        for name, scheme in self.security.items():
            if added.setdefault(name, scheme) != scheme:
                raise ConfigurationError(
                    f"An extension and a backend have different security schemes {name!r}; name the backend otherwise."
                )
        return added

    def _csrf_parameter(self) -> Schema:
        settings = self.subject.settings
        return {
            "name": settings.CSRF_HEADER_NAME,
            "in": "header",
            "required": False,
            "description": (
                f"The value of the cookie `{settings.CSRF_COOKIE_NAME}`, which every page sets. A form may send it as its field "
                "`csrf_token` instead."
            ),
            "schema": {"type": "string"},
        }


def template(pattern: Pattern) -> str:
    """`/books/<int:id>` as OpenAPI writes it: `/books/{id}`."""
    segments = []
    for segment in pattern.segments:
        text = segment.literals[0]
        for placeholder, literal in zip(segment.placeholders, segment.literals[1:], strict=True):
            text += f"{{{placeholder.name}}}{literal}"
        segments.append(text)
    return "/" + "/".join(segments)


def _shape(path: str) -> str:
    """Two paths of one shape are the same to OpenAPI, whatever their parameters are named (§4.8.8.2)."""
    return re.sub(r"{[^{}]+}", "{}", path)


def _methods(rule: Rule) -> list[str]:
    """The methods that are described: HEAD is where GET is, and said with it."""
    methods = {method.lower() for method in rule.route.methods}
    return [method for method in METHODS if method in methods and not (method == "head" and "get" in methods)]


def _described(rule: Rule) -> Described:
    return rule.route.option(Described) or Described()


def _requirements(secured: Secured) -> list[Schema]:
    found: list[Schema] = [{_key(scheme): list(secured.scopes)} for scheme in secured.schemes]
    return [*found, {}] if secured.optional else found


def _key(scheme: SecurityScheme) -> str:
    """Its name among the components, which are named with few characters (§4.8.7.1); a backend may be called anything."""
    return _NOT_IN_ID.sub("_", scheme.id)


def _scheme(scheme: SecurityScheme) -> Schema:
    names = {"location": "in", "bearer_format": "bearerFormat", "open_id_connect_url": "openIdConnectUrl"}
    return {names.get(name, name): value for name, value in to_builtins(scheme).items() if name != "id"}


def _server(url: str, description: str) -> Schema:
    return {"url": url} | ({"description": description} if description else {})


def _tags(described: Mapping[str, str], used: Iterable[str]) -> list[Schema]:
    """Those with a description in their order, then the rest as they come."""
    found: list[Schema] = [{"name": name, "description": text} for name, text in described.items()]
    return [*found, *({"name": name} for name in used if name not in described)]
