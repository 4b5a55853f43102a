"""What a route says of files: data that security, `flasgo routes` and `flasgo check` read."""

from msgspec import Struct


class StaticFolder(Struct, frozen=True):
    """The route serves the files of `directory` below `url_path`, the same ones to every visitor: no CSRF cookie is set on it."""

    directory: str
    url_path: str
