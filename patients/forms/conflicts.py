"""Protection against lost updates: no one overwrites another person's change without having seen it.

The form of an existing row sends two kinds of hidden values: what each field was when the page was loaded (`initial-<field>`), and
what the page sent without getting an answer (`sent-<field>`, one for each attempt: any of them may be stored). `decide` compares
them with the stored value. A form without these values, as a program sends it, changes every field that it sends.

Values are compared as tokens: the cleaned value as text.
"""

from collections.abc import Collection, Mapping
from datetime import date
from enum import Enum, auto
from typing import ClassVar, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model
from django.http import Http404
from django.utils.translation import gettext_lazy as _

from encryption.keys import keyed_hash
from patients.models.formats import day

Row = TypeVar("Row", bound=Model)

MOST_SENT = 8
"""How many unanswered attempts count, for each field; static/js/saving.js keeps as many."""


class Decision(Enum):
    """What happens to one field."""

    WRITE = auto()  # no one else changed it, or both made the same change
    KEEP = auto()  # this form did not change it: the stored value stays
    CONFLICT = auto()  # two people changed it differently: the second must see the first change before saving


def decide(stored: str, typed: str | None, loaded: str | None, unanswered: Collection[str] = ()) -> Decision:
    """Return the decision on a field. `typed` is None for an invalid value, `loaded` for a form without hidden values."""
    if loaded is None or stored in {loaded, typed, *unanswered}:
        return Decision.WRITE
    if all(own == loaded for own in (typed, *unanswered)):
        return Decision.KEEP
    return Decision.CONFLICT


class NoteField(forms.CharField):
    """A long text. Its token depends on the text alone, however a browser ends its lines."""

    CHANGED_MEANWHILE = _("Someone else changed this meanwhile. Copy your text, then reload the page.")

    @staticmethod
    def token_of(text: str) -> str:
        """Return a short token: 16 hex digits, from which the text cannot be recovered."""
        return keyed_hash("notes", "\n".join(text.strip().splitlines()).encode())[:16]


def token_of(field: forms.Field, value: object) -> str:
    """Return the token of a value of `field`, stored or typed. Raises ValidationError when the value is invalid."""
    cleaned = field.to_python(value)
    if isinstance(field, NoteField):
        return field.token_of(str(cleaned))
    return "" if cleaned is None else str(cleaned)


class ConflictCheckedForm(forms.ModelForm[Row]):
    """Saves only the fields that were changed in it, and never over a change that its page has not shown.

    A conflict is a field error: the form comes back with the stored value, and the next attempt may overwrite it, because the
    person has now seen it. A stored note is too long to show beside the field: there the error asks to load the page again.
    """

    last_wins: ClassVar[Collection[str]] = ()
    """Fields in which the last change wins: short values chosen on purpose, so that no text is lost."""

    is_autosaved: ClassVar[bool] = False
    """Whether a script sends the form. Then the page stays open, and shows what was typed, not what is stored."""

    also_written: ClassVar[Collection[str]] = ()
    """Columns without a form field that are saved as well."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed through as they came
        self.add_fields()
        sent = {name: self._loaded(name) for name in self.fields}
        self.loaded = {name: self._stored(name) if token is None else token for name, token in sent.items()}
        self.conflicting: dict[str, object] = {}  # stored values by field
        self._written: list[str] = []

    @property
    def is_new(self) -> bool:
        """Whether there is no row yet: then there can be no conflict."""
        return self.instance._state.adding

    def add_fields(self) -> None:
        """Add the fields that depend on the row, with their initial values."""

    def stored_values(self, row: Row) -> dict[str, object]:
        """Return the stored values of the fields."""
        return forms.model_to_dict(row, list(self.fields))

    def full_clean(self) -> None:
        """Compare every field with what is stored now, then validate. The row stays locked until our transaction ends.

        Raises Http404 when the row was deleted.
        """
        if self.is_bound and not self.is_new:
            rows = type(self.instance)._default_manager.select_for_update(no_key=True)
            row = rows.filter(pk=self.instance.pk).first()
            if row is None:
                raise Http404
            self.initial.update(self.stored_values(row))
            self.data = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict, or a dict in a test
            for name in self.fields:
                self._apply(name, self._decide(name))
        super().full_clean()

    def clean(self) -> dict[str, object]:
        """Return the cleaned fields. Adds an error for every conflict, which counts as seen from now on."""
        fields: dict[str, object] = super().clean() or {}
        for name, stored in self.conflicting.items():
            field = self.fields[name]
            if isinstance(field, NoteField):
                self.add_error(name, field.CHANGED_MEANWHILE)
            elif name in fields:
                self.add_error(name, _("Someone else changed this to: %(now)s.") % {"now": display_value(field, stored)})
                self.loaded[name] = self._stored(name)
        return fields

    def save(self, commit: bool = True) -> Row:
        """Save the changed fields and return the row. Raises Http404 when someone has deleted it."""
        if self.is_new or not commit:
            super().save(commit)
        else:
            columns = [name for name in self._written if name in (self._meta.fields or ())]
            save_fields(self.instance, [*columns, *self.also_written])
        if self.is_autosaved:
            self.loaded = {name: self._typed(name) or "" for name in self.fields}
        return self.instance

    def _decide(self, name: str) -> Decision:
        decision = decide(self._stored(name), self._typed(name), self._loaded(name), self._unanswered(name))
        return Decision.WRITE if decision is Decision.CONFLICT and name in self.last_wins else decision

    def _apply(self, name: str, decision: Decision) -> None:
        if decision is Decision.CONFLICT:
            self.conflicting[name] = self.initial[name]
        elif decision is Decision.WRITE and self._typed(name) != self._stored(name):
            self._written.append(name)
        elif decision is Decision.KEEP and not self.is_autosaved:
            self._show_stored(name)

    def _show_stored(self, name: str) -> None:
        stored = self.initial[name]
        self.loaded[name] = self._stored(name)
        if isinstance(stored, list):
            self.data.setlist(self[name].html_name, stored)  # type: ignore[attr-defined]  # a copy of a QueryDict by now
            return
        self.data[self[name].html_name] = "on" if stored is True else "" if stored is None else str(stored)  # type: ignore[index]  # a copy by now
        if stored is False:
            self.data.pop(self[name].html_name)  # type: ignore[attr-defined]  # browsers do not send an unticked box

    def _stored(self, name: str) -> str:
        return token_of(self.fields[name], self.get_initial_for_field(self.fields[name], name))

    def _typed(self, name: str) -> str | None:
        try:
            return token_of(self.fields[name], self[name].data)
        except ValidationError:
            return None

    def _loaded(self, name: str) -> str | None:
        return self.data.get(self[name].html_initial_name)

    def _unanswered(self, name: str) -> set[str]:
        """Return the tokens of what the page sent without getting an answer."""
        field = self.fields[name]
        sent = forms.MultipleHiddenInput().value_from_datadict(self.data, self.files, f"sent-{name}") or []
        return {token_of(field, each) for each in sent[:MOST_SENT]}


def save_fields(row: Row, names: Collection[str]) -> Row:
    """Save only these fields of an existing row, and return it: someone else may be changing the other fields now.

    Raises Http404 when the row was deleted: saving would bring it back.
    """
    with transaction.atomic():
        if not type(row)._default_manager.select_for_update(no_key=True).filter(pk=row.pk).exists():
            raise Http404
        row.save(update_fields=list(names))
    return row


def display_value(field: forms.Field, stored: object) -> str:
    """Return a stored value as text for a person: the name of a choice, a formatted date, or a dash for an empty value."""
    if isinstance(stored, date):
        return day(stored)
    choices = getattr(field, "choices", ())
    named: Mapping[object, object] = dict(choices)
    if isinstance(stored, list):
        return ", ".join(str(named.get(each, each)) for each in stored) or "–"
    return str(named.get(stored, stored) or "–")
