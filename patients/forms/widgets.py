"""The widgets of our forms."""

from django import forms


class DateInput(forms.DateInput):
    """The browser's date field, which shows a date in the order that the user is used to."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")
