"""Reads a file of patients, and finds who is here already."""

import codecs
from collections.abc import Sequence
from dataclasses import replace

from django.http import HttpRequest

from encryption.keys import keyed_hash
from patients.care.record_numbers import TooManyTries, is_taken, may_try
from patients.forms.patient_import.codes import MAX_BYTES, UnreadableFile
from patients.forms.patient_import.csv_file import read_csv
from patients.forms.patient_import.fhir_file import read_fhir
from patients.models import Patient, User
from patients.models.identifiers import canonical_number
from patients.models.patient import record_number_hash
from patients.models.patient_import import FoundPatient


def read_patients(content: bytes, request: HttpRequest) -> list[FoundPatient]:
    """Return the rows of the file: patients to add, patients who are here, and rows with the code of what is wrong with them.

    Raises UnreadableFile.
    """
    if len(content) > MAX_BYTES:
        raise UnreadableFile("too_large")
    text = _text(content)
    rows = read_fhir(text) if text.lstrip().startswith(("{", "[")) else read_csv(text)
    if not rows:
        raise UnreadableFile("no_patients")
    return _with_those_here(_once_each(rows), request)


def state_of(patient: Patient) -> str:
    """Return a hash of what an import may change: it tells whether someone has changed it meanwhile."""
    facts = (patient.name, patient.birth_date.isoformat(), patient.sex, patient.record_number_hash)
    return keyed_hash("states of patients", "\0".join(facts).encode())


def _text(content: bytes) -> str:
    """Return the text, in the encodings that spreadsheets write. Raises UnreadableFile."""
    encodings = ["utf-16"] if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise UnreadableFile("not_readable")


def _once_each(rows: Sequence[FoundPatient]) -> list[FoundPatient]:
    """Return the rows; of several with the same record number, all but the first have a code."""
    earlier: set[str] = set()
    found = []
    for row in rows:
        number = canonical_number(row.record_number)
        found.append(replace(row, code="twice") if not row.code and number in earlier else row)
        if not row.code:
            earlier.add(number)
    return found


def _with_those_here(rows: Sequence[FoundPatient], request: HttpRequest) -> list[FoundPatient]:
    """Return the rows, with the patient who has the number already. One whom the user may not see is only said to exist."""
    assert isinstance(request.user, User)
    hashes = [record_number_hash(row.record_number) for row in rows]
    here = Patient.objects.in_care_of(request.user).filter(record_number_hash__in=hashes).order_by("-record_number_twin")
    by_hash = {patient.record_number_hash: patient for patient in here}
    # One query for all numbers: each by itself would take four seconds for a full file.
    taken = set(Patient.objects.filter(record_number_hash__in=hashes).values_list("record_number_hash", flat=True))
    is_open = may_try(request)
    found = []
    for row, hashed in zip(rows, hashes, strict=True):
        patient = by_hash.get(hashed)
        if row.code:
            found.append(row)
        elif patient is not None:
            found.append(replace(row, patient=str(patient.pk), seen=state_of(patient)))
        elif hashed in taken:
            found.append(replace(row, code=why_taken(row.record_number, request)))
            is_open = may_try(request)
        else:
            found.append(row if is_open else replace(row, code="too_many_tries"))
    return found


def why_taken(number: str, request: HttpRequest) -> str:
    """Return the code of a number that another patient has. The access log of that patient records it, and it counts."""
    try:
        is_taken(number, request)
    except TooManyTries:
        return "too_many_tries"
    return "taken"
