"""The widgets of our forms."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


class DateInput(forms.DateInput):
    """The browser's date field, which shows a date in the order that the user is used to."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class LongSelect(forms.Select):
    """A select of hundreds of options without groups. Django draws each from a template, which takes most of a page's time."""

    def render(
        self,
        name: str,
        value: Any,  # Any: Django's own signature, as below
        attrs: dict[str, Any] | None = None,
        renderer: object = None,
    ) -> SafeString:
        """Return the select as HTML."""
        chosen = "" if value is None else str(value)
        choices: Iterable[tuple[Any, Any]] = self.choices
        rows = ((key, " selected" if str(key) == chosen else "", words) for key, words in choices)
        options = format_html_join("\n", '<option value="{}"{}>{}</option>', rows)
        return format_html("<select{}>{}</select>", flatatt(self.build_attrs(self.attrs, {"name": name, **(attrs or {})})), options)
