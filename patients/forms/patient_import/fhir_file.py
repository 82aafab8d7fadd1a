"""Patients in a bundle of FHIR R4."""

import json
from typing import Any

from django.conf import settings

from patients.forms.patient_import.checks import checked
from patients.forms.patient_import.codes import MOST_ROWS, UnreadableFile
from patients.models.patient_import import FoundPatient

Json = Any  # whatever the file holds
NAME_USES = ("official", "usual")


def read_fhir(text: str) -> list[FoundPatient]:
    """Return one row per Patient, wherever the bundle has it; its line is the place of its entry. Raises UnreadableFile."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):  # the latter: thousands of brackets
        raise UnreadableFile("broken_json") from None
    resources = _resources(content)
    patients = [(place, each) for place, each in enumerate(resources, 1) if _of(each, "resourceType") == "Patient"]
    if len(patients) > MOST_ROWS:
        raise UnreadableFile("too_many_rows")
    return [checked(_found(place, each), is_typed=False) for place, each in patients]


def _resources(content: Json) -> list[Json]:
    kind = _of(content, "resourceType")
    if kind == "Patient":
        return [content]
    if kind != "Bundle":
        raise UnreadableFile("no_bundle")
    return [each.get("resource") for each in _list(content, "entry")]


def _found(place: int, patient: Json) -> FoundPatient:
    number, code = _record_number(patient)
    if patient.get("active") is False:
        code = "inactive"
    gender = _of(patient, "gender")
    return FoundPatient(
        line=place,
        name=_name(patient),
        record_number=number,
        birth_date=_of(patient, "birthDate"),
        sex="" if gender == "unknown" else gender,
        code=code,
    )


def _record_number(patient: Json) -> tuple[str, str]:
    """Return the record number and a code: by its system, else by the type MR, else the only identifier."""
    known = [each for each in _list(patient, "identifier") if _of(each, "value") and _of(each, "use") != "old"]
    of_system = [each for each in known if settings.RECORD_NUMBER_SYSTEM and _of(each, "system") == settings.RECORD_NUMBER_SYSTEM]
    of_type = [each for each in known if _is_record_number(each)]
    for some in (of_system, of_type, known):
        if some:
            return _of(some[0], "value"), "several_numbers" if len({_of(each, "value") for each in some}) > 1 else ""
    return "", "number"


def _is_record_number(identifier: Json) -> bool:
    kind = identifier.get("type")
    return isinstance(kind, dict) and any(_of(coding, "code") == "MR" for coding in _list(kind, "coding"))


def _name(patient: Json) -> str:
    """Return the official name, else the usual one, else the first; as one text, given names first."""
    names = sorted(
        _list(patient, "name"), key=lambda each: NAME_USES.index(use) if (use := _of(each, "use")) in NAME_USES else len(NAME_USES)
    )
    if not names:
        return ""
    given = names[0].get("given")
    parts = [each for each in (given if isinstance(given, list) else []) if isinstance(each, str)]
    return _of(names[0], "text") or " ".join([*parts, _of(names[0], "family")]).strip()


def _list(content: Json, name: str) -> list[Json]:
    """Return the objects in a list, whatever else is in it."""
    found = content.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _of(content: Json, name: str) -> str:
    """Return a text; empty where there is none."""
    found = content.get(name) if isinstance(content, dict) else None
    return found.strip() if isinstance(found, str) else ""
