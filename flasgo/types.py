"""The types of ASGI, as programs name them."""

from flasgo.http.asgi import ASGIApp, Message, Receive, Scope, Send

__all__ = ["ASGIApp", "Message", "Receive", "Scope", "Send"]
