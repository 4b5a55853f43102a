"""CORS: which pages of other origins may read a route's answers, and send what browsers ask about first (Fetch §3.2).

It opens, and protects nothing: a browser lets no page of another origin read an answer until CORS says so. Who may send what is for
permissions and CSRF to say.
"""

from collections.abc import Collection

from msgspec import Struct
from msgspec.structs import force_setattr

from flasgo.http.headers import TOKEN
from flasgo.plan.model import Route
from flasgo.settings import Settings
from flasgo.settings_grammars import CORS_ORIGIN_FORM, is_cors_origin

ANY = "*"

MAX_AGE = 86_400
"""A day: the longest that any browser remembers the answer to a preflight."""


class CORS(Struct, frozen=True, kw_only=True):
    """Who may read the answers of a route, of a blueprint's routes, or of all: `cors=` and the settings CORS_*.

    `origins` are those of the pages: "https://app.example.com", "https://*.example.com" for sub-domains, "*" for all; none
    is nobody, which takes away what a blueprint or the settings would let in. `methods` are some of those that the route answers
    (default: all of them). `headers` are the names of the request headers that scripts may set beside the few that need no leave, and
    `expose` those of the answer that they may read beside the few that they always see. `credentials` lets requests with
    cookies in. `max_age`: seconds that the browser remembers what it was allowed. `private_network` lets pages from the
    internet ask a server in a private network.

    Raises ValueError with the cure, above all for credentials together with "*".
    """

    origins: Collection[str]
    methods: Collection[str] | None = None
    headers: Collection[str] = ("content-type",)
    expose: Collection[str] = ()
    credentials: bool = False
    max_age: int = 600
    private_network: bool = False

    def __post_init__(self) -> None:
        for name in ("origins", "headers", "expose", *(() if self.methods is None else ("methods",))):
            force_setattr(self, name, _words(name, getattr(self, name)))
        if self.methods is not None:
            force_setattr(self, "methods", tuple(method.upper() for method in self.methods))
        self._check_entries()
        if self.credentials and any(ANY in words for words in (self.origins, self.headers, self.expose)):
            raise ValueError(
                'CORS(credentials=True) with "*" would show every site what belongs to your visitors: name origins and headers.'
            )
        for flag in ("credentials", "private_network"):
            if not isinstance(getattr(self, flag), bool):
                raise ValueError(f"CORS({flag}={getattr(self, flag)!r}): give True or False.")  # noqa: TRY004 - as the others
        if type(self.max_age) is not int or not 0 <= self.max_age <= MAX_AGE:
            raise ValueError(f"CORS(max_age={self.max_age!r}): give whole seconds from 0 to {MAX_AGE}, a day.")

    def _check_entries(self) -> None:
        for origin in self.origins:
            if not is_cors_origin(origin):
                raise ValueError(f"CORS(origins=…) holds {origin[:100]!r}; write {CORS_ORIGIN_FORM}.")
        if ANY in self.origins and len(self.origins) > 1:
            raise ValueError('CORS(origins=…) holds "*" and others: keep it alone, or name those that you mean.')
        for name, words in (("methods", self.methods or ()), ("headers", self.headers), ("expose", self.expose)):
            for word in words:
                if not TOKEN.fullmatch(word):
                    raise ValueError(f"CORS({name}=…) holds {word[:100]!r}, which is no name, such as 'GET' or 'etag'.")
        if self.methods == ():
            raise ValueError(
                "CORS(methods=…) is empty; leave it out for all that the route answers, or say origins=()."
            )

    def __str__(self) -> str:
        """As `flasgo routes` shows it."""
        return f"{' '.join(self.origins) or 'nobody'}{' with credentials' if self.credentials else ''}"


def _words(name: str, words: Collection[str]) -> tuple[str, ...]:
    if isinstance(words, str):
        raise ValueError(f"CORS({name}={words!r}) is one string; write {name}=[{words!r}].")  # noqa: TRY004 - as the others
    if not all(isinstance(word, str) for word in words):
        raise ValueError(f"CORS({name}={words!r}) holds what is no string.")
    return tuple(sorted(words)) if isinstance(words, (frozenset, set)) else tuple(words)


NOBODY = CORS(origins=())


def cors_option(given: object, methods: frozenset[str] | None = None) -> CORS:
    """The option of a blueprint with `cors=`, or of a route with these methods; None is nobody.

    Raises ValueError for what is neither, and for methods that the route does not answer.
    """
    if given is None:
        return NOBODY
    if not isinstance(given, CORS):
        raise ValueError(f'cors={given!r} is no CORS; write cors=CORS(origins=["https://app.example.com"]).')  # noqa: TRY004 - as the others
    strangers = set(given.methods or ()) - methods - {"HEAD", "OPTIONS"} if methods is not None else set[str]()
    if strangers:
        raise ValueError(f"CORS(methods=…) holds {', '.join(sorted(strangers))}, which this route does not answer.")
    return given


def cors_of_settings(settings: Settings) -> CORS | None:
    """What the settings CORS_* say of every route that does not say otherwise; None where they name no origin."""
    if not settings.CORS_ORIGINS:
        return None
    return CORS(
        origins=settings.CORS_ORIGINS,
        methods=settings.CORS_METHODS or None,
        headers=settings.CORS_HEADERS,
        expose=settings.CORS_EXPOSE_HEADERS,
        credentials=settings.CORS_CREDENTIALS,
        max_age=settings.CORS_MAX_AGE,
        private_network=settings.CORS_PRIVATE_NETWORK,
    )


def cors_of(route: Route, everywhere: CORS | None) -> CORS | None:
    """Who may read this route's answers: what the route says, else its blueprint, else the settings; None is nobody."""
    own = route.option(CORS)
    found = everywhere if own is None else own
    return None if found is None or not found.origins else found
