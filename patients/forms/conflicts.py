"""Forms that write only what was changed in them: somebody else may have changed the rest since the page was opened."""

from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar

from django import forms
from django.db import transaction
from django.db.models import Model
from django.http import Http404
from django.utils.translation import gettext_lazy as _

from patients.formats import day

Row = TypeVar("Row", bound=Model)


class ConflictCheckedForm(forms.ModelForm[Row]):
    """A form of a row that exists brings along what each field was when the page was opened, hidden beside it.

    A field that was left as it was keeps what is stored by now. One that two people changed differently is not saved: the form
    comes back with what is stored, and the next attempt is one of somebody who has seen it. A form without the hidden values, as
    a program sends it, changes every field that it sends.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed through as they came
        if self.instance._state.adding:
            return
        for field in self.fields.values():
            field.show_hidden_initial = True
        if self.is_bound:
            self.data = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict, or a dict in a test
            for name in self.fields:
                self._bring_up_to_date(name)

    def clean(self) -> dict[str, object]:
        """Return the fields. What two people changed differently is an error, and seen from now on."""
        fields: dict[str, object] = super().clean() or {}
        was_there = not self.instance._state.adding
        for name in [name for name in self.changed_data if was_there and name in fields]:
            bound, stored = self[name], self.initial[name]
            if bound.field.has_changed(stored, self._loaded(name)) and bound.field.has_changed(stored, bound.data):
                self.add_error(name, _("Somebody changed this meanwhile, to: %(now)s.") % {"now": said(bound.field, stored)})
                self._put(bound.html_initial_name, "" if stored is None else str(stored))
        return fields

    def save(self, commit: bool = True) -> Row:
        """Return the saved row. Raises Http404 when it was deleted meanwhile: saving would bring it back."""
        if self.instance._state.adding or not commit:
            return super().save(commit)
        with transaction.atomic():
            if not type(self.instance)._default_manager.select_for_update(no_key=True).filter(pk=self.instance.pk).exists():
                raise Http404
            return super().save()

    def _bring_up_to_date(self, name: str) -> None:
        """Give a field that was left alone what is stored by now, and one without its hidden value that one."""
        bound, stored = self[name], self.initial[name]
        now = "" if stored is None else str(stored)
        if bound.html_initial_name not in self.data:
            self._put(bound.html_initial_name, now)
        elif not bound._has_changed() and bound.field.has_changed(stored, self._loaded(name)):  # type: ignore[attr-defined]  # Django's changed_data, not kept
            self._put(bound.html_initial_name, now)
            self._put(bound.html_name, "on" if stored is True else now)
            if stored is False:
                self.data.pop(bound.html_name)  # type: ignore[attr-defined]  # a box without a tick is not sent

    def _loaded(self, name: str) -> Any:  # Any: as Django's own has_changed takes it
        return self.fields[name].hidden_widget().value_from_datadict(self.data, self.files, self[name].html_initial_name)

    def _put(self, name: str, value: str) -> None:
        self.data[name] = value  # type: ignore[index]  # a copy by now


def said(field: forms.Field, stored: object) -> str:
    """Return a stored value as a person reads it."""
    if isinstance(stored, date):
        return day(stored)
    choices = getattr(field, "choices", ())
    named: Mapping[object, object] = dict(choices)
    return str(named.get(stored, stored) or "–")
