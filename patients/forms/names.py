"""Names and record numbers as people type them into a form or send them to the REST interface."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from patients.models.characters import trimmed, without_turns
from patients.models.identifiers import is_number


def typed_name(text: str) -> str:
    """Return the name as it is kept: as typed, without what turns the direction of writing. Raises ValidationError for no name."""
    name = trimmed(without_turns(text))
    if not any(letter.isalnum() for letter in name):
        raise ValidationError(_("A name needs at least one letter."))
    return name


def typed_number(text: str) -> str:
    """Return the record number as it is kept: as typed. Raises ValidationError where it has nothing to compare."""
    number = trimmed(without_turns(text))
    if not is_number(number):
        raise ValidationError(_("A record number needs at least one letter or digit."))
    return number


class TypedNameField(forms.CharField):
    """The name of a person or a team."""

    def __init__(self, *, label: Any, max_length: int) -> None:  # Any: a text, translated when it is shown
        super().__init__(label=label, max_length=max_length, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def clean(self, value: Any) -> str:  # Any: Django's own signature
        """Return the name. Raises ValidationError where there is none."""
        return typed_name(super().clean(value))
