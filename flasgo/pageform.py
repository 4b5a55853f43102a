"""PageForm: a form that a page sent, as one typed value or with all that is wrong with it, and as it was typed."""

from collections.abc import Iterable
from typing import Generic, TypeVar

from flasgo.errors import Issue
from flasgo.http.forms import FormData

T = TypeVar("T")


class Messages(dict[str, tuple[str, ...]]):
    """The messages beside each field; a field without any has the empty tuple, so that a template may ask for all of them."""

    def __missing__(self, name: str) -> tuple[str, ...]:
        return ()


class PageForm(Generic[T]):
    """What `Request.form_as` gives, and what a template shows.

    `value` is the typed value, or None where the form is not valid; `errors` are the messages by field, those of the form as a whole under
    ""; `data` is what was sent. `form["email"]` is the text of a field as it was typed, "" where there is none: a template escapes it.
    `PageForm()` is the empty one of the first visit.
    """

    def __init__(self, value: T | None = None, data: FormData | None = None, issues: Iterable[Issue] = ()) -> None:
        self.value = value
        self.data = FormData() if data is None else data
        self.issues = tuple(issues)
        self.errors = Messages()
        for issue in self.issues:
            name = issue.pointer[1:].partition("/")[0].replace("~1", "/").replace("~0", "~")
            self.errors[name] += (issue.message,)

    def __repr__(self) -> str:
        return f"<PageForm, {'valid' if self.value is not None else f'{len(self.issues)} problems'}>"

    def refuse(self, field: str, message: str) -> None:
        """Say what else is wrong, beside a field or, under "", with the form as a whole; from then on `value` is None."""
        self.value = None
        self.errors[field] += (message,)

    def __getitem__(self, name: str) -> str:
        return self.data.get(name, "")
