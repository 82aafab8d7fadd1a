"""Forms that write only what was changed in them: somebody else may have changed the rest since the page was opened."""

from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar

from django import forms
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from patients.templatetags.look import day

Row = TypeVar("Row", bound=Model)


class ChangesOnly(forms.ModelForm[Row]):
    """A form of a row that exists brings along what each field was when the page was opened, hidden beside it.

    A field that was left as it was keeps what is stored by now. One that two people changed differently is not saved: the form
    comes back with what is stored, and the next attempt is one of somebody who has seen it. A form without the hidden values, as
    a program sends it, changes every field as ever.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed through as they came
        if not self.instance._state.adding:
            for field in self.fields.values():
                field.show_hidden_initial = True

    def clean(self) -> dict[str, object]:
        """Return the fields, those that were left alone as they are stored."""
        fields: dict[str, object] = super().clean() or {}
        for name in [name for name in fields if self[name].html_initial_name in self.data]:
            bound, stored = self[name], self.initial[name]
            if name not in self.changed_data:
                fields[name] = stored
            elif bound.field.has_changed(stored, self._loaded(name)) and bound.field.has_changed(stored, bound.data):
                self.add_error(name, _("Somebody changed this meanwhile, to: %(now)s.") % {"now": said(bound.field, stored)})
                self.data = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict, or a dict in a test
                self.data[bound.html_initial_name] = "" if stored is None else str(stored)  # type: ignore[index]  # now a copy
        return fields

    @property
    def altered(self) -> list[str]:
        """The fields that are to be stored. Only of a form that is valid."""
        return [name for name in self.fields if self.cleaned_data[name] != self.initial[name]]

    def _loaded(self, name: str) -> Any:  # Any: as Django's own has_changed takes it
        return self.fields[name].hidden_widget().value_from_datadict(self.data, self.files, self[name].html_initial_name)


def said(field: forms.Field, stored: object) -> str:
    """Return a stored value as a person reads it."""
    if isinstance(stored, date):
        return day(stored)
    choices = getattr(field, "choices", ())
    named: Mapping[object, object] = dict(choices)
    return str(named.get(stored, stored) or "–")
