"""Settings: one frozen Struct, its UPPERCASE names the only configuration of an application.

What a setting may be is said in three places, each checked by `load_settings`, never by the constructor:

    its annotation        type, bounds and unit
    `_entry_faults`       the grammar (settings_grammars.py) of hosts, origins, schemes and headers (RFC 3986 §3, RFC 9110 §5)
    `_rule_faults`        what settings demand of one another, and what SECRET_KEY must be

All problems are reported together. docs/reference/settings.md tells what every setting means.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping
from os import environ as process_environment
from types import MappingProxyType
from typing import Annotated, Literal, Self, TypeVar, overload

from msgspec import Meta, Struct, field
from msgspec.structs import force_setattr

from flasgo.errors import SettingsError
from flasgo.settings_grammars import GRAMMARS, TCHARS, header_fault, key_fault
from flasgo.settings_sources import (
    Gathered,
    Misfit,
    annotations_of,
    default_of,
    expected,
    fields_of,
    fit,
    import_settings,
    read_environment,
    read_mapping,
    read_object,
    redact,
    shown,
)

S = TypeVar("S", bound="Settings")

Token = Annotated[
    str,
    Meta(
        pattern=rf"\A{TCHARS}\Z",
        description="an RFC 9110 token: 1 to 128 letters, digits and any of !#$%&'*+-.^_`|~",
    ),
]
UrlPath = Annotated[
    str,
    Meta(
        pattern=r"\A/(?:[^/\s?#<>\\\x00-\x1f\x7f-\x9f\ud800-\udfff][^\s?#<>\\\x00-\x1f\x7f-\x9f\ud800-\udfff]{0,254})?\Z",
        description='a path of at most 256 characters that begins with one "/" and has no space, ?, #, <, > or backslash',
    ),
]

Port = Annotated[int, Meta(ge=1, le=65_535, description="a port: a number from 1 to 65535")]

StoreURL = Annotated[
    str,
    Meta(
        pattern=r"\A(?:memory|sqlite:///[^\x00]+|(?:rediss?(?:\+cluster)?|unix)://[^\x00]+)\Z",
        max_length=2_048,
        description='"memory", "sqlite:///path" or "redis://host:6379/0" (rediss:// for TLS, unix:// for a socket)',
    ),
]

DEFAULT_SECURITY_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "strict-origin-when-cross-origin",
        "permissions-policy": "camera=(), microphone=(), geolocation=()",
        "x-xss-protection": "0",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "strict-transport-security": "max-age=63072000; includeSubDomains",
        "content-security-policy": "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'",
    }
)


class _RandomKey(str):
    """A key that nobody chose. Its type says so, and stays with it through load, replace, copy, pickle and subclasses."""

    __slots__ = ()


def _random_key() -> str:
    return _RandomKey(secrets.token_urlsafe(48))


_PREFIXES = ("__host-", "__secure-")
"""What browsers take as a promise about a cookie, in any case (RFC 6265bis §4.1.3)."""


class Settings(Struct, frozen=True, kw_only=True):
    """The configuration of an application; subclass it (`frozen=True` again) for typed settings of your own.

    The constructor takes values as they are: msgspec checks what it decodes, not what it is called with. An application
    loads the settings it is given, and so checks them; `from_mapping`, `from_object` and `from_env` do at once.
    A subclass that has a `__post_init__` calls this one's. It may narrow what a setting allows, never widen it.
    """

    DEBUG: bool = False
    SECRET_KEY: str = field(default_factory=_random_key)
    SECRET_KEY_FALLBACKS: Annotated[tuple[str, ...], Meta(max_length=5)] = ()

    ALLOWED_HOSTS: frozenset[str] = frozenset({"127.0.0.1", "localhost"})
    ENFORCE_ALLOWED_HOSTS: bool = True
    ALLOWED_REDIRECT_HOSTS: frozenset[str] = frozenset()

    CSRF_ENABLED: bool = True
    CSRF_COOKIE_NAME: Token = "flasgo-csrf"
    CSRF_HEADER_NAME: Token = "x-csrf-token"
    CSRF_TRUSTED_ORIGINS: frozenset[str] = frozenset()
    CSRF_CHECK_ORIGIN: bool = True
    CSRF_REQUIRE_ORIGIN: bool = True
    CSRF_COOKIE_SECURE: bool = True

    CORS_ORIGINS: frozenset[str] = frozenset()
    CORS_METHODS: frozenset[Token] = frozenset()
    CORS_HEADERS: frozenset[Token] = frozenset({"content-type"})
    CORS_EXPOSE_HEADERS: frozenset[Token] = frozenset()
    CORS_CREDENTIALS: bool = False
    CORS_MAX_AGE: Annotated[int, Meta(ge=0, le=86_400, extra={"unit": "seconds"})] = 600
    CORS_PRIVATE_NETWORK: bool = False

    SESSION_COOKIE_NAME: Token = "flasgo-session"
    # Ten years at most: more is a number of milliseconds. Browsers keep a cookie 400 days (RFC 6265bis §5.5).
    SESSION_COOKIE_MAX_AGE: Annotated[int, Meta(ge=1, le=315_360_000, extra={"unit": "seconds"})] = 604_800
    SESSION_COOKIE_SECURE: bool = True
    SESSION_COOKIE_HTTP_ONLY: bool = True
    SESSION_COOKIE_SAME_SITE: Literal["Lax", "Strict", "None"] = "Lax"
    SESSION_COOKIE_PREFIX: Literal["auto", ""] = "auto"
    SESSION_ABSOLUTE_MAX_AGE: Annotated[int, Meta(ge=1, le=315_360_000, extra={"unit": "seconds"})] = 2_592_000
    SESSION_STORE: Annotated[
        StoreURL | None,
        Meta(
            description='None for the signed cookie, "memory", "sqlite:///path" or "redis://host:6379/0" (rediss:// for TLS)'
        ),
    ] = None

    REMEMBER_COOKIE_NAME: Token = "flasgo-remember"
    REMEMBER_COOKIE_MAX_AGE: Annotated[int, Meta(ge=1, le=315_360_000, extra={"unit": "seconds"})] = 2_592_000

    DEFAULT_PERMISSIONS: tuple[object, ...] = ()  # permissions mention requests, which stand above settings

    TRUSTED_PROXIES: frozenset[str] = frozenset()
    PROXY_HEADERS: Literal["x-forwarded", "forwarded"] = "x-forwarded"

    ENFORCE_NO_STORE_CACHE: bool = True
    SECURITY_HEADERS: Mapping[str, str] = DEFAULT_SECURITY_HEADERS

    MAX_REQUEST_BODY_BYTES: Annotated[int, Meta(ge=1, le=2**40, extra={"unit": "bytes"})] = 1_048_576
    MAX_REQUEST_HEAD_BYTES: Annotated[int, Meta(ge=1, le=2**20, extra={"unit": "bytes"})] = 16_384
    REQUEST_READ_TIMEOUT_SECONDS: Annotated[float, Meta(gt=0, le=3_600, extra={"unit": "seconds"})] = 10.0
    SYNC_THREADS: Annotated[int, Meta(ge=1, le=1_000, extra={"unit": "threads"})] = 40

    SECURITY_FAILURE_RATE_LIMIT: Annotated[int, Meta(ge=0, le=1_000_000, extra={"unit": "failures"})] = 50
    SECURITY_FAILURE_WINDOW_SECONDS: Annotated[int, Meta(ge=1, le=86_400, extra={"unit": "seconds"})] = 60
    CREDENTIAL_FAILURE_LIMIT: Annotated[int, Meta(ge=0, le=1_000_000, extra={"unit": "failures"})] = 10
    CREDENTIAL_FAILURE_WINDOW_SECONDS: Annotated[int, Meta(ge=1, le=86_400, extra={"unit": "seconds"})] = 300
    LOG_SECURITY_EVENTS: bool = True

    RATE_LIMIT_DEFAULT: tuple[str, ...] = ()
    RATE_LIMIT_STORE: StoreURL = "memory"

    STRICT_SLASHES: bool = True

    ENABLE_DOCS: bool = False
    DOCS_PATH: UrlPath = "/docs"
    OPENAPI_PATH: UrlPath = "/openapi.json"
    API_TITLE: Annotated[str, Meta(max_length=200)] = "Flasgo API"
    API_VERSION: Annotated[str, Meta(max_length=200)] = "0.3.0"
    API_DESCRIPTION: Annotated[str, Meta(max_length=65_536)] = ""
    API_TAGS: Mapping[str, str] = MappingProxyType({})
    API_SERVERS: Mapping[str, str] = MappingProxyType({})
    DOCS_AUTH_BACKEND: str = ""

    SSRF_ENABLED: bool = True
    SSRF_ALLOWED_SCHEMES: frozenset[str] = frozenset({"http", "https"})
    SSRF_ALLOWED_HOSTS: frozenset[str] = frozenset()
    SSRF_ALLOW_PRIVATE_NETWORKS: bool = False
    SSRF_ALLOW_USERINFO: bool = False
    SSRF_ALLOW_UNRESOLVABLE_HOSTS: bool = False
    SSRF_ALLOWED_PORTS: frozenset[Port] = frozenset()
    SSRF_MAX_REDIRECTS: Annotated[int, Meta(ge=0, le=3, extra={"unit": "redirects"})] = 0

    EXTRA: Mapping[str, object] = MappingProxyType({})

    def __post_init__(self) -> None:
        """Mappings become read-only, header names lower-case; values that are no mappings are left for `load_settings`."""
        force_setattr(self, "SECURITY_HEADERS", _read_only(_lower_names(self.SECURITY_HEADERS)))
        force_setattr(self, "API_TAGS", _read_only(self.API_TAGS))
        force_setattr(self, "API_SERVERS", _read_only(self.API_SERVERS))
        force_setattr(self, "EXTRA", _read_only(self.EXTRA))

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> Self:
        """Settings from a mapping; keys that are no settings go to EXTRA.

        Raises SettingsError with every problem.
        """
        return _checked(cls, read_mapping(values.items(), cls.__struct_fields__))

    @classmethod
    def from_object(cls, source: object) -> Self:
        """Settings from the UPPERCASE attributes of a module, class or instance; a string is the dotted path of a module.

        Raises SettingsError with every problem.
        """
        if isinstance(source, str):
            source = import_settings(source)
        return _checked(cls, read_object(source, cls.__struct_fields__))

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Settings from the variables FLASGO_<NAME> of `environ`, or of the process.

        Lists are separated by commas or JSON, mappings are JSON, booleans are true/false, 1/0, on/off or yes/no.
        FLASGO_SECRET_KEY_FILE names a file that holds the key. Variables that are no settings are left alone.

        Raises SettingsError with every problem.
        """
        environ = process_environment if environ is None else environ
        return _checked(cls, read_environment(environ, annotations_of(cls)))

    @property
    def secret_key_is_random(self) -> bool:
        """No SECRET_KEY was given: what is signed with this one means nothing to another process, or after a restart."""
        return isinstance(self.SECRET_KEY, _RandomKey)

    @property
    def session_cookie_name(self) -> str:
        """The session cookie's name as it is sent: with the prefix `__Host-`, if SESSION_COOKIE_PREFIX lets it have one."""
        name = self.SESSION_COOKIE_NAME
        bare = not self.SESSION_COOKIE_SECURE or self.SESSION_COOKIE_PREFIX == ""
        return name if bare or name.lower().startswith(_PREFIXES) else f"__Host-{name}"

    def get(self, key: str, default: object = None) -> object:
        """The setting of this name, else what EXTRA has under it, else `default`."""
        if key in self.__struct_fields__:
            value: object = getattr(self, key)
            return value
        return self.EXTRA.get(key, default)

    def redacted(self) -> dict[str, object]:
        """Every setting in a form to be shown.

        Secrets, found by name at any depth, and the userinfo of URLs are replaced; collections and structs are lists and dicts.
        """
        return {name: redact(name, getattr(self, name)) for name in self.__struct_fields__}

    def __repr__(self) -> str:
        shown_fields = ", ".join(f"{name}={value!r}" for name, value in self.redacted().items())
        return f"{type(self).__name__}({shown_fields})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return list(self.redacted().items())

    def __reduce__(self) -> tuple[Callable[..., "Settings"], tuple[type["Settings"], dict[str, object]]]:
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        thawed = {name: dict(value) if isinstance(value, MappingProxyType) else value for name, value in values.items()}
        return _rebuild, (type(self), thawed)


@overload
def load_settings(source: S) -> S: ...
@overload
def load_settings(source: type[S]) -> S: ...
@overload
def load_settings(source: object = None) -> Settings: ...
def load_settings(source: object = None) -> Settings:
    """Checked settings from whatever an application is given.

    None or a class of settings: its defaults · an instance: an equal one of its own class, checked · a mapping · a string:
    the dotted path of a module · any other object or class: its UPPERCASE attributes.

    Raises SettingsError with every problem.
    """
    if source is None:
        return Settings.from_mapping({})
    if isinstance(source, Settings):
        values = {name: getattr(source, name) for name in source.__struct_fields__}
        return _checked(type(source), Gathered(values, {}))
    if isinstance(source, type) and issubclass(source, Settings):
        return source.from_mapping({})
    if isinstance(source, Mapping):
        return Settings.from_mapping(source)
    return Settings.from_object(source)


def _lower_names(headers: object) -> object:
    """Header names in lower case, unless two would become one: that is for `_entry_faults` to say."""
    if not isinstance(headers, Mapping):
        return headers
    lowered = {name.lower() if isinstance(name, str) else name: value for name, value in headers.items()}
    return lowered if len(lowered) == len(headers) else headers


def _read_only(value: object) -> object:
    return MappingProxyType(dict(value)) if isinstance(value, Mapping) else value


# --- checking --------------------------------------------------------------------------------------------------------


def _checked(kind: type[S], gathered: Gathered) -> S:
    """A `kind` of what was gathered, or SettingsError with every problem, at most one for each setting."""
    values, problems = gathered
    base = annotations_of(Settings)
    fitted: dict[str, object] = {}
    for info in fields_of(kind):
        name = info.name
        if name in problems:
            continue
        if name not in values and info.required:
            problems[name] = f"{name} is required; give it {expected(info.type)}"
            continue
        try:
            value = fit(name, values[name] if name in values else default_of(info), info.type)
            fitted[name] = fit(name, value, base.get(name, info.type))  # a subclass cannot widen what Settings allows
        except Misfit as misfit:
            problems[name] = f"{name} {misfit}"
    common = _build(Settings, {name: value for name, value in fitted.items() if name in base})
    for names, fault in (*_entry_faults(common), *_rule_faults(common), *_hidden_faults(common, kind)):
        if problems.keys().isdisjoint(names):
            problems[names[0]] = fault
    if problems:
        raise SettingsError(problems.values())
    try:
        return _build(kind, fitted)
    except (TypeError, ValueError) as error:  # what a subclass refuses in its own __post_init__
        raise SettingsError([f"{kind.__name__}: {error}"]) from error


def _build(construct: Callable[..., S], values: Mapping[str, object]) -> S:
    return construct(**values)


def _rebuild(kind: type[S], values: Mapping[str, object]) -> S:
    """What a pickle calls; the mapping proxies inside a Settings cannot be pickled, so their contents travel."""
    return _build(kind, values)


Fault = tuple[tuple[str, ...], str]
"""The settings that a rule is about, the one to blame first, and the sentence."""


def _entry_faults(settings: Settings) -> Iterator[Fault]:
    """Entries of sets and mappings that break their grammar."""
    for name, fits, form in GRAMMARS:
        wrong = sorted(entry for entry in getattr(settings, name) if not fits(entry))
        if wrong:
            more = f" and {len(wrong) - 3} more" if wrong[3:] else ""
            yield (name,), f"{name} holds {', '.join(map(shown, wrong[:3]))}{more}; write {form}"
    headers = settings.SECURITY_HEADERS
    faults = [fault for name, value in headers.items() if (fault := header_fault(name, value))]
    if len({name.lower() for name in headers}) < len(headers):
        faults.append("holds a header more than once; names are the same in any case, keep one of each")
    if faults:
        yield ("SECURITY_HEADERS",), f"SECURITY_HEADERS {', and '.join(faults)}"


def _rule_faults(settings: Settings) -> Iterator[Fault]:
    """What a setting must be that no annotation can say, and what settings demand of one another."""
    yield from _key_faults(settings)
    if settings.DEBUG and process_environment.get("FLASGO_ENV", "").strip().lower() == "production":
        yield ("DEBUG",), "DEBUG must be off where FLASGO_ENV is production; it shows visitors what is for developers"
    if "_" in settings.CSRF_HEADER_NAME:
        yield ("CSRF_HEADER_NAME",), "CSRF_HEADER_NAME must not hold an underscore; such headers are dropped, use '-'"
    if settings.CSRF_COOKIE_NAME in {settings.SESSION_COOKIE_NAME, settings.session_cookie_name}:
        names = ("CSRF_COOKIE_NAME", "SESSION_COOKIE_NAME")
        yield names, "CSRF_COOKIE_NAME and SESSION_COOKIE_NAME must differ; rename one of the cookies"
    if settings.REMEMBER_COOKIE_NAME in {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME}:
        yield ("REMEMBER_COOKIE_NAME",), "REMEMBER_COOKIE_NAME is that of another cookie; rename it"
    for owner in ("CSRF", "SESSION"):
        name, secure = f"{owner}_COOKIE_NAME", f"{owner}_COOKIE_SECURE"
        prefixed = getattr(settings, name).lower().startswith(_PREFIXES)
        if prefixed and not getattr(settings, secure):
            yield (name, secure), f"{name} has a prefix that browsers accept on Secure cookies only; set {secure}"
    if settings.SESSION_COOKIE_SAME_SITE == "None" and not settings.SESSION_COOKIE_SECURE:
        yield (
            ("SESSION_COOKIE_SAME_SITE", "SESSION_COOKIE_SECURE"),
            'SESSION_COOKIE_SAME_SITE "None" needs SESSION_COOKIE_SECURE; browsers drop such a cookie otherwise',
        )
    yield from _cors_faults(settings)
    if settings.DOCS_PATH == settings.OPENAPI_PATH:
        yield ("DOCS_PATH", "OPENAPI_PATH"), "DOCS_PATH and OPENAPI_PATH must differ; move one of them"
    if settings.SSRF_ENABLED and not settings.SSRF_ALLOWED_SCHEMES:
        yield (
            ("SSRF_ALLOWED_SCHEMES", "SSRF_ENABLED"),
            "SSRF_ALLOWED_SCHEMES must not be empty while SSRF_ENABLED; no URL could pass",
        )


def _cors_faults(settings: Settings) -> Iterator[Fault]:
    for name in ("CORS_ORIGINS", "CORS_HEADERS", "CORS_EXPOSE_HEADERS"):
        if settings.CORS_CREDENTIALS and "*" in getattr(settings, name):
            names = (name, "CORS_CREDENTIALS")
            yield (
                names,
                f'{name} "*" with CORS_CREDENTIALS would show every site what belongs to your visitors; name them',
            )
    if "*" in settings.CORS_ORIGINS and len(settings.CORS_ORIGINS) > 1:
        yield (
            ("CORS_ORIGINS",),
            'CORS_ORIGINS holds "*" and others: it is every origin; keep it alone, or name those you mean',
        )


def _key_faults(settings: Settings) -> Iterator[Fault]:
    """What a key must be, the one that signs and those that came before it."""
    if fault := key_fault(settings.SECRET_KEY):
        yield ("SECRET_KEY",), f"SECRET_KEY {fault}"
    for fallback in settings.SECRET_KEY_FALLBACKS:
        if fault := key_fault(fallback):
            yield ("SECRET_KEY_FALLBACKS",), f"SECRET_KEY_FALLBACKS holds a key that {fault}"
    if settings.SECRET_KEY in settings.SECRET_KEY_FALLBACKS:
        names = ("SECRET_KEY_FALLBACKS", "SECRET_KEY")
        yield names, "SECRET_KEY_FALLBACKS holds the SECRET_KEY itself; list only the keys that came before it"


def _hidden_faults(settings: Settings, kind: type[Settings]) -> Iterator[Fault]:
    """A setting inside EXTRA would be given and never seen."""
    hidden = sorted(settings.EXTRA.keys() & set(kind.__struct_fields__))
    if hidden:
        yield ("EXTRA",), f"EXTRA holds {', '.join(hidden)}, known as a setting; give it outside EXTRA"
