"""The protections that are on by default; what programs may use of them by hand."""

from flasgo.http.cookies import build_set_cookie
from flasgo.http.hosts import host_is_allowed

__all__ = ["build_set_cookie", "host_is_allowed"]
