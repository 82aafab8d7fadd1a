"""Why a file, or one row of it, cannot be imported."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from patients.care.record_numbers import TAKEN, TOO_MANY

FIRST_LINE = "record_number,name,birth_date,sex"
MOST_ROWS = 200
MAX_BYTES = 2_000_000
Words = str | Promise

FILES: dict[str, tuple[Words, Words]] = {
    "too_large": (_("This file is larger than 2 MB."), _("Import it in parts.")),
    "not_readable": (_("This is neither a CSV file nor JSON."), _("Save a spreadsheet as CSV, in UTF-8.")),
    "broken_json": (_("This JSON cannot be read."), _("Export the bundle again.")),
    "broken_quotes": (_("A quotation mark has no end."), _("Double each quotation mark inside a cell.")),
    "no_columns": (
        _("The first line does not name the columns."),
        _("It needs record_number, birth_date, and name or given_name and family_name."),
    ),
    "no_bundle": (_("This is no bundle of FHIR, and no Patient."), _("Export patients as FHIR R4.")),
    "no_patients": (_("There is no patient in this file."), _("Check whether it is the right one.")),
    "too_many_rows": (_("The file has more than 200 patients."), _("Import it in parts.")),
}
"""By code: what is wrong with a file, and what helps."""
ROWS: dict[str, Words] = {
    "name": _("A name needs at least one letter."),
    "name_too_long": _("The name is longer than 200 characters."),
    "number": _("A record number needs at least one letter or digit."),
    "number_too_long": _("The record number is longer than 60 characters."),
    "several_numbers": _("There are several identifiers, and none is marked as the record number."),
    "no_birth_date": _("The date of birth is missing."),
    "birth_date": _("The date of birth is not a full date. Write it as 1980-03-04."),
    "two_days": _("The date of birth can be read as two days. Write it as 1980-03-04."),
    "born_in_future": _("A date of birth cannot be in the future."),
    "born_too_early": _("This date of birth is too long ago. Check the year."),
    "born_after_first_day": _("The record begins before this date of birth."),
    "sex": _("The sex is none of female, male, other and unknown."),
    "cells": _("The row has more cells than the first line."),
    "inactive": _("The record is marked as no longer in use."),
    "twice": _("An earlier row has the same record number."),
    "taken": TAKEN,
    "too_many_tries": TOO_MANY,
    "changed": _("Someone has changed this patient meanwhile. Import the file again."),
    "gone": _("You no longer look after this patient."),
}
"""By code: why one row cannot be imported. Rows stand in the order of the checks."""


class UnreadableFile(Exception):
    """A file of which no row can be read; `code` is one of FILES."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
