"""What the keywords of registering calls may be, checked where no type checker did.

A word that nobody knows is refused: ignored, `permission=[…]` would leave a route open to everyone.
"""

from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches

from flasgo.advice import OPTIONS
from flasgo.errors import RegistrationError

YES_OR_NO = ((bool,), "True or False")
TEXT = ((str,), "a string")
TEXT_OR_NONE = ((str, type(None)), "a string or None")
BYTES_OR_NONE = ((int, type(None)), "a number of bytes or None")

KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "threaded": YES_OR_NO,
    "csrf": YES_OR_NO,
    "etag": YES_OR_NO,
    "deprecated": YES_OR_NO,
    "include_in_schema": YES_OR_NO,
    "strict_slashes": ((bool, type(None)), "True, False or None"),
    "max_body_bytes": BYTES_OR_NONE,
    "max_file_bytes": BYTES_OR_NONE,
    "name": TEXT_OR_NONE,
    "operation_id": TEXT_OR_NONE,
    "summary": TEXT,
    "description": TEXT,
}
"""The classes of the options of which they say everything; the others are looked at where they are used."""


def check_options(
    options: Mapping[str, object], known: Collection[str], mistake: Callable[[str], RegistrationError]
) -> None:
    """Raise what `mistake` makes of a sentence for an option that is none of these, or of another type."""
    for name, value in options.items():
        if name not in known:
            raise mistake(f"there is no option {name}=; {OPTIONS.get(name) or _nearest(name, known)}")
        kinds, words = KINDS.get(name, ((object,), ""))
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds and object not in kinds):
            raise mistake(f"{name}={value!r} is of type {type(value).__name__}; give {words}.")


def _nearest(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}=?" if near else f"there are {', '.join(sorted(known))}."
