"""The URL of a request, in parts that cannot disagree with what was routed."""

from urllib.parse import quote

from msgspec import Struct

DEFAULT_PORTS = {"http": 80, "https": 443}
PATH_SAFE = "/:@!$&'()*+,;=-._~"
"""What stands unescaped in a path: pchar and the slash, RFC 3986 §3.3."""


class URL(Struct, frozen=True):
    """`path` is the decoded path that was routed, without `root_path`; `query` is as it came, without the question mark."""

    scheme: str
    host: str
    root_path: str
    path: str
    query: str

    def __str__(self) -> str:
        query = f"?{self.query}" if self.query else ""
        return f"{self.scheme}://{self.host}{quote(self.root_path + self.path, safe=PATH_SAFE)}{query}"
