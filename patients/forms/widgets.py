"""The widgets of our forms."""

from django import forms


class DateInput(forms.DateInput):
    """The browser's own date field, in its own date order."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")
