"""Who is asking: the bearer tokens of three people, of which only the hashes are known here."""

from hashlib import sha256

from flasgo import User


class Reader(User, frozen=True, kw_only=True):
    name: str


READER = frozenset({"orders", "reviews"})
KEEPER = frozenset({"books", "authors", "moderation"})

BY_HASH = {
    sha256(token.encode()).hexdigest(): Reader(id=name.lower(), is_authenticated=True, scopes=scopes, name=name)
    for token, name, scopes in (
        ("token-of-ada", "Ada", READER),  # an example has no secrets; real tokens are random, and never in the source
        ("token-of-bob", "Bob", READER),
        ("token-of-eve", "Eve", KEEPER),
    )
}


async def reader_of(token: str) -> Reader | None:
    """Whose token this is. Looked up by its hash, so that the time it takes tells nothing about the tokens there are."""
    return BY_HASH.get(sha256(token.encode()).hexdigest())
