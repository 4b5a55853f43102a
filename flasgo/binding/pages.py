"""A submitted form → a PageForm: what a handler that shows its own page takes, or asks of `request.form_as`."""

from collections.abc import Hashable
from functools import lru_cache
from typing import TypeVar, cast

from msgspec import ValidationError

from flasgo.binding.forms import FormReader
from flasgo.binding.pagewords import problems_of
from flasgo.http.forms import FormData
from flasgo.pageform import FormWords, PageForm
from flasgo.plan.forms import form_fields
from flasgo.plan.model import FormField
from flasgo.request import Request
from flasgo.validation.codecs import NO_CODECS, Codecs

T = TypeVar("T")

BODILESS = frozenset({"GET", "HEAD"})
"""Methods by which a page is visited, and no form is sent."""


@lru_cache(maxsize=1024)
def _reader_of(record: object, codecs: Codecs) -> tuple[FormReader, tuple[FormField, ...]]:
    fields = form_fields(record, codecs)
    return FormReader(record, fields, codecs=codecs), fields


def read_page(
    record: type[T], form: FormData, codecs: Codecs = NO_CODECS, words: FormWords | None = None
) -> PageForm[T]:
    """The form as a `record`, or what is wrong with it. Raises TypeError for a record that no form can carry."""
    reader, fields = _reader_of(cast("Hashable", record), codecs)
    try:
        return PageForm(cast("T", reader.read(form)), form)
    except ValidationError:
        issues = tuple(reader.issues(form))
        return PageForm(None, form, issues, problems_of(issues, fields, form, words))


def page_sent(request: Request, form: FormData, record: type[T]) -> PageForm[T]:
    """What a parameter `PageForm[record]` is given: the empty form of the first visit, or what was sent."""
    if request.method in BODILESS or request.terms.page_reader is None:
        return PageForm()
    return request.terms.page_reader(record, form)
