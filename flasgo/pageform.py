"""PageForm: a form that a page sent, as one typed value or with all that is wrong with it, and as it was typed."""

from collections.abc import Callable, Iterable
from typing import Generic, TypeAlias, TypeVar

from msgspec import Struct

from flasgo.errors import Issue
from flasgo.http.forms import FormData

T = TypeVar("T")


class FormProblem(Struct, frozen=True):
    """What is wrong with one field, for those who say it in other words, or in another language: see `Flasgo.form_message`.

    `field` is the field's name, "" for the form as a whole; `code` is stable, `bound` the number that the code is about, or None;
    `message` is what is said of it otherwise.
    """

    field: str
    code: str
    message: str
    bound: object = None


FormWords: TypeAlias = Callable[[FormProblem], str | None]
"""What says a problem in an application's own words; None leaves it as it is."""


class Messages(dict[str, tuple[str, ...]]):
    """The messages beside each field; a field without any has the empty tuple, so that a template may ask for all of them."""

    def __missing__(self, name: str) -> tuple[str, ...]:
        return ()


class PageForm(Generic[T]):
    """A form that a page sent, as a handler's parameter `form: PageForm[Signup]` or `Request.form_as` gives it, and a template shows it.

    `value` is the typed value, or None where the form is not valid; `errors` are the messages by field, those of the form as a whole under
    "", sentences for whoever fills it in; `issues` say the same for programs; `data` is what was sent. `form["email"]` is the text of a field as it was typed, "" where there is none: a template escapes it.
    `PageForm()` is the empty one of the first visit.
    """

    def __init__(
        self,
        value: T | None = None,
        data: FormData | None = None,
        issues: Iterable[Issue] = (),
        problems: Iterable[FormProblem] = (),
    ) -> None:
        self.value = value
        self.data = FormData() if data is None else data
        self.issues = tuple(issues)
        self.errors = Messages()
        for problem in problems:
            self.errors[problem.field] += (problem.message,)

    def __repr__(self) -> str:
        return f"<PageForm, {'valid' if self.value is not None else f'{len(self.issues)} problems'}>"

    def refuse(self, field: str, message: str) -> None:
        """Say what else is wrong, beside a field or, under "", with the form as a whole; from then on `value` is None."""
        self.value = None
        self.errors[field] += (message,)

    def __getitem__(self, name: str) -> str:
        return self.data.get(name, "")
