"""The checks of one row, the same as in the form of a patient."""

import re
from dataclasses import replace
from datetime import date

from django.core.exceptions import ValidationError

from patients.forms.days import DayField
from patients.forms.names import typed_name, typed_number
from patients.forms.patient import NAME_MAX_LENGTH, RECORD_NUMBER_MAX_LENGTH, birth_day
from patients.models import Patient
from patients.models.patient_import import FoundPatient

ISO = re.compile(r"\d{4}-\d\d-\d\d")


class BadRow(Exception):
    """A row that cannot be imported, for the reason `code` of ROWS."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def checked(row: FoundPatient, *, is_typed: bool) -> FoundPatient:
    """Return the row as it would be stored, or with the code of what is wrong. People typed dates in many ways, programs in one."""
    if row.code:
        return row
    try:
        return replace(
            row,
            name=_name(row.name),
            record_number=_number(row.record_number),
            birth_date=_birth_date(row.birth_date, is_typed).isoformat(),
            sex=_sex(row.sex),
        )
    except BadRow as bad:
        return replace(row, code=bad.code)


def born(day: date, patient: Patient | None = None) -> date:
    """Return the date of birth. Raises BadRow where `birth_day` refuses it."""
    try:
        return birth_day(day, patient)
    except ValidationError as error:
        raise BadRow(str(error.code)) from None


def _name(text: str) -> str:
    try:
        name = typed_name(text)
    except ValidationError:
        raise BadRow("name") from None
    if len(name) > NAME_MAX_LENGTH:
        raise BadRow("name_too_long")
    return name


def _number(text: str) -> str:
    try:
        number = typed_number(text)
    except ValidationError:
        raise BadRow("number") from None
    if len(number) > RECORD_NUMBER_MAX_LENGTH:
        raise BadRow("number_too_long")
    return number


def _birth_date(text: str, is_typed: bool) -> date:
    if not text.strip():
        raise BadRow("no_birth_date")
    if not is_typed and not ISO.fullmatch(text):
        raise BadRow("birth_date")
    try:
        day = DayField().clean(text)
    except ValidationError as error:
        raise BadRow("two_days" if error.code == "two_days" else "birth_date") from None
    return born(day)


def _sex(text: str) -> str:
    if text and text not in Patient.Sex.values:
        raise BadRow("sex")
    return text
