"""A submitted form → a PageForm: what a handler that shows its own page asks of `request.form_as`."""

from collections.abc import Hashable
from functools import lru_cache
from typing import TypeVar, cast

from msgspec import ValidationError

from flasgo.binding.forms import FormReader
from flasgo.http.forms import FormData
from flasgo.pageform import PageForm
from flasgo.plan.forms import form_fields
from flasgo.validation.codecs import NO_CODECS, Codecs

T = TypeVar("T")


@lru_cache(maxsize=1024)
def _reader_of(record: object, codecs: Codecs) -> FormReader:
    return FormReader(record, form_fields(record, codecs), codecs=codecs)


def read_page(record: type[T], form: FormData, codecs: Codecs = NO_CODECS) -> PageForm[T]:
    """The form as a `record`, or its issues. Raises TypeError for a record that no form can carry."""
    reader = _reader_of(cast("Hashable", record), codecs)
    try:
        return PageForm(cast("T", reader.read(form)), form)
    except ValidationError:
        return PageForm(None, form, reader.issues(form))
