"""One scheme against lost updates: no one undoes what someone else did meanwhile without having seen it.

A form of a row that exists carries what each field was when its page was loaded (`initial-<field>`, hidden beside the fields), and
what its page sent and got no answer to (`sent-<field>`, once for each: any of it may be stored). `decide` says what becomes of a
field. A form without these values, as a program sends it, changes every field that it sends.

Values are compared as tokens: what a field makes of them, as text.
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

from encryption.fields import keyed_hash
from patients.formats import day

Row = TypeVar("Row", bound=Model)

MOST_SENT = 8
"""Sends without an answer that count, for each field; static/js/saving.js keeps as many."""


class Decision(Enum):
    """What becomes of one field."""

    WRITE = auto()  # no one else changed it, or both made the same of it
    KEEP = auto()  # it was left alone here: what is stored by now stays
    TELL = auto()  # two people changed it differently: nothing is saved before the second has seen it


def decide(stored: str, typed: str | None, loaded: str | None, unanswered: Collection[str] = ()) -> Decision:
    """Return what becomes of a field. `typed` is None for what the field cannot read, `loaded` for a form that does not say."""
    if loaded is None or stored in {loaded, typed, *unanswered}:
        return Decision.WRITE
    if all(own == loaded for own in (typed, *unanswered)):
        return Decision.KEEP
    return Decision.TELL


class NoteField(forms.CharField):
    """Words that people write at length. Their token names the very words, however a browser ends their lines."""

    CHANGED_MEANWHILE = _("Changed meanwhile. Your words are still here; copy them, then load the page again.")

    @staticmethod
    def token_of(words: str) -> str:
        """Return a token that is short, and cannot be turned back into the words."""
        return keyed_hash(b"note:" + "\n".join(words.strip().splitlines()).encode())[:16]


def token_of(field: forms.Field, value: object) -> str:
    """Return what `field` makes of a value, stored or typed. Raises ValidationError when it can make nothing of it."""
    read = field.to_python(value)
    if isinstance(field, NoteField):
        return field.token_of(str(read))
    return "" if read is None else str(read)


class ConflictCheckedForm(forms.ModelForm[Row]):
    """Writes only what was changed in it, and nothing over a change that its page has not shown.

    What two people changed differently is an error: the form comes back with what is stored, and the next attempt is one of
    someone who has seen it. What is stored of a note is too long to show beside it: such a form is told to load the page again.
    """

    last_wins: ClassVar[Collection[str]] = ()
    """Fields in which the last change stands: a value chosen anew on purpose, no words that would be lost."""

    is_autosaved: ClassVar[bool] = False
    """Whether a script sends the form: its page stays open, and shows what was typed, not what is stored."""

    also_written: ClassVar[Collection[str]] = ()
    """Columns without a field that are saved along."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed through as they came
        sent = {name: self._loaded(name) for name in self.fields}
        self.loaded = {name: self._stored(name) if token is None else token for name, token in sent.items()}
        self.told: dict[str, object] = {}
        self._written: list[str] = []

    @property
    def is_new(self) -> bool:
        """Whether there is no row yet, which someone else could have changed."""
        return self.instance._state.adding

    def full_clean(self) -> None:
        """Decide on every field by what is stored now, then validate. No one else changes the row until our transaction ends."""
        if self.is_bound and not self.is_new:
            rows = type(self.instance)._default_manager.select_for_update(no_key=True)
            row = rows.filter(pk=self.instance.pk).first()
            if row is None:
                raise Http404
            self.initial.update(forms.model_to_dict(row, list(self.fields)))
            self.data = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict, or a dict in a test
            for name in self.fields:
                self._apply(name, self._decide(name))
        super().full_clean()

    def clean(self) -> dict[str, object]:
        """Return the fields. What two people changed differently is an error, and seen from now on."""
        fields: dict[str, object] = super().clean() or {}
        for name, stored in self.told.items():
            field = self.fields[name]
            if isinstance(field, NoteField):
                self.add_error(name, field.CHANGED_MEANWHILE)
            elif name in fields:
                self.add_error(name, _("Somebody changed this meanwhile, to: %(now)s.") % {"now": said(field, stored)})
                self.loaded[name] = self._stored(name)
        return fields

    def save(self, commit: bool = True) -> Row:
        """Return the saved row. Raises Http404 when someone deleted it meanwhile."""
        if self.is_new or not commit:
            super().save(commit)
        else:
            save_fields(self.instance, [*self._written, *self.also_written])
        if self.is_autosaved:
            self.loaded = {name: self._typed(name) or "" for name in self.fields}
        return self.instance

    def _decide(self, name: str) -> Decision:
        found = decide(self._stored(name), self._typed(name), self._loaded(name), self._unanswered(name))
        return Decision.WRITE if found is Decision.TELL and name in self.last_wins else found

    def _apply(self, name: str, decision: Decision) -> None:
        if decision is Decision.TELL:
            self.told[name] = self.initial[name]
        elif decision is Decision.WRITE and self._typed(name) != self._stored(name):
            self._written.append(name)
        elif decision is Decision.KEEP and not self.is_autosaved:
            self._show_stored(name)

    def _show_stored(self, name: str) -> None:
        stored = self.initial[name]
        self.loaded[name] = self._stored(name)
        self.data[self[name].html_name] = "on" if stored is True else "" if stored is None else str(stored)  # type: ignore[index]  # a copy by now
        if stored is False:
            self.data.pop(self[name].html_name)  # type: ignore[attr-defined]  # a box without a tick is not sent

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
        """Return the tokens of what the page sent and got no answer to."""
        field = self.fields[name]
        sent = forms.MultipleHiddenInput().value_from_datadict(self.data, self.files, f"sent-{name}") or []
        return {token_of(field, each) for each in sent[:MOST_SENT]}


def save_fields(row: Row, names: Collection[str]) -> Row:
    """Save these fields of a row that exists, and no other: someone else may be changing the rest at this moment.

    Raises Http404 when the row was deleted meanwhile: saving would bring it back.
    """
    with transaction.atomic():
        if not type(row)._default_manager.select_for_update(no_key=True).filter(pk=row.pk).exists():
            raise Http404
        row.save(update_fields=list(names))
    return row


def said(field: forms.Field, stored: object) -> str:
    """Return a stored value as a person reads it."""
    if isinstance(stored, date):
        return day(stored)
    choices = getattr(field, "choices", ())
    named: Mapping[object, object] = dict(choices)
    return str(named.get(stored, stored) or "–")
