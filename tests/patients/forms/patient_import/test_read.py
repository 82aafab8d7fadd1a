"""Files of patients: what is read of each row, and the code where nothing can be."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.conf import LazySettings
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import translation
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from patients.forms.patient_import.codes import FILES, MOST_ROWS, ROWS, UnreadableFile
from patients.forms.patient_import.csv_file import read_csv
from patients.forms.patient_import.fhir_file import read_fhir
from patients.forms.patient_import.read import read_patients
from patients.models import AccessLog, Patient, User
from patients.models.patient_import import FoundPatient
from tests.documents import PROJECT
from tests.factories import make_patient
from tests.hostile.texts import HARMFUL

HEADER = "record_number,name,birth_date,sex\n"
INES = FoundPatient(2, "Ines Moreau", "R-1", "1991-02-14", "female")


def only(text: str) -> FoundPatient:
    (row,) = read_csv(text)
    return row


def patient(**fields: object) -> dict[str, Any]:  # Any: JSON
    """Return a Patient of FHIR."""
    return {
        "resourceType": "Patient",
        "identifier": [{"value": "R-1"}],
        "name": [{"given": ["Ines"], "family": "Moreau"}],
        "birthDate": "1991-02-14",
        "gender": "female",
    } | fields


def found(*patients: object) -> list[FoundPatient]:
    return read_fhir(
        json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in patients]})
    )


@pytest.mark.parametrize(
    "text",
    [
        HEADER + "R-1,Ines Moreau,1991-02-14,female\n",
        HEADER + '"R-1","Ines Moreau","14 Feb 1991","F"\r\n\r\n',
        "sex;birth_date;name;record_number\nfemale;1991-02-14;Ines Moreau;R-1",
        "MRN\tFirst name\tLast name\tDOB\tGender\nR-1\tInes\tMoreau\t1991-02-14\tf",
        "Aktennummer;Nachname;Vorname;Geburtsdatum;Geschlecht\nR-1;Moreau;Ines;1991-02-14;weiblich",
        "Numéro de dossier;Nom;Prénom;Date de naissance;Sexe\nR-1;Moreau;Ines;1991-02-14;femme",
        "Número de historia;Nombre;Apellidos;Fecha de nacimiento;Sexo\nR-1;Ines;Moreau;1991-02-14;mujer",
        "note,record_number,name,birth_date,sex,x\n,R-1, Ines Moreau ,1991-02-14,female,y",
    ],
)
def test_one_patient_in_the_csv_of_many_programs(text: str) -> None:
    assert only(text) == INES


def test_a_spanish_m_beside_an_h_is_a_woman() -> None:
    rows = read_csv(HEADER + "1,Eva Gil,1980-03-04,M\n2,Luis Gil,1980-03-04,H\n")
    assert [row.sex for row in rows] == ["female", "male"]
    assert only(HEADER + "1,Tom Gill,1980-03-04,M\n").sex == "male"


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ("R-1,?,1991-02-14,", "name"),
        (f"R-1,{'x' * 201},1991-02-14,", "name_too_long"),
        ("-,Ines,1991-02-14,", "number"),
        (f"{'1' * 61},Ines,1991-02-14,", "number_too_long"),
        ("R-1,Ines,,", "no_birth_date"),
        ("R-1,Ines", "no_birth_date"),
        ("R-1,Ines,1991,", "birth_date"),
        ("R-1,Ines,03/04/1991,", "two_days"),
        ("R-1,Ines,2999-01-01,", "born_in_future"),
        ("R-1,Ines,1850-01-01,", "born_too_early"),
        ("R-1,Ines,1991-02-14,cat", "sex"),
        ("R-1,Moreau,Ines,1991-02-14,female", "cells"),
    ],
)
def test_bad_row_has_a_code_and_keeps_its_text(cells: str, code: str) -> None:
    bad, good = read_csv(HEADER + cells + "\nR-2,Omar Haddad,1980-01-02,male\n")
    assert bad.code == code
    assert bad.record_number == cells.split(",")[0]
    assert good == FoundPatient(3, "Omar Haddad", "R-2", "1980-01-02", "male")


def test_german_dates_are_read_as_german() -> None:
    with translation.override("de"):
        assert only(HEADER + "R-1,Ines,04.03.1991,").birth_date == "1991-03-04"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no_columns"),
        (b"name,birth_date\nInes,1991-02-14", "no_columns"),
        (b"record_number,birth_date\nR-1,1991-02-14", "no_columns"),
        (HEADER.encode(), "no_patients"),
        (b"PK\x03\x04\0\0\0", "not_readable"),
        (b"\xff\xfe\x00", "not_readable"),
        ((HEADER + 'R-1,"Ines,1991-02-14,\nR-2,Omar,1980-01-02,').encode(), "broken_quotes"),
        (b"{", "broken_json"),
        (b"[" * 100_000, "broken_json"),
        (b"[]", "no_bundle"),
        (b'{"resourceType": "Observation"}', "no_bundle"),
        (b'{"resourceType": "Bundle", "entry": [{}, 7, {"resource": null}]}', "no_patients"),
        ((HEADER + "R,Ines,1991-02-14,\n" * (MOST_ROWS + 1)).encode(), "too_many_rows"),
        (b"x" * 2_000_001, "too_large"),
    ],
)
def test_file_that_cannot_be_read_has_a_code(content: bytes, code: str, rf: RequestFactory) -> None:
    with pytest.raises(UnreadableFile) as refused:
        read_patients(content, rf.post("/"))
    assert refused.value.code == code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_names_survive_the_encodings_of_spreadsheets(encoding: str, ada: User, rf: RequestFactory) -> None:
    text = HEADER + "R-1,Zoë Müller,1991-02-14,\n"
    (row,) = read_patients(text.encode(encoding), signed_in(rf, ada))
    assert row.name == "Zoë Müller"


def test_patient_of_a_bundle() -> None:
    assert found({"resourceType": "Encounter"}, patient()) == [INES]
    assert read_fhir(json.dumps(patient())) == [replace(INES, line=1)]


@pytest.mark.parametrize(
    ("fields", "code", "number"),
    [
        ({"identifier": [{"value": "X"}, {"value": "R-1", "type": {"coding": [{"code": "MR"}]}}]}, "", "R-1"),
        (
            {"identifier": [{"value": "X", "type": {"coding": [{"code": "MR"}]}}, {"value": "R-1", "system": "urn:oid:1.2"}]},
            "",
            "R-1",
        ),
        ({"identifier": [{"value": "X", "use": "old"}, {"value": "R-1"}]}, "", "R-1"),
        ({"identifier": [{"value": "X"}, {"value": "R-1"}]}, "several_numbers", "X"),
        ({"identifier": []}, "number", ""),
        ({"identifier": {"value": "R-1"}}, "number", ""),
        ({"identifier": [{"value": 7}, None]}, "number", ""),
        ({"active": False}, "inactive", "R-1"),
        ({"birthDate": "1991-02"}, "birth_date", "R-1"),
        ({"birthDate": "14 Feb 1991"}, "birth_date", "R-1"),
        ({"birthDate": None}, "no_birth_date", "R-1"),
        ({"name": "Ines"}, "name", "R-1"),
        ({"gender": "cat"}, "sex", "R-1"),
    ],
)
def test_record_number_is_chosen_by_system_then_type_then_alone(
    fields: dict[str, object], code: str, number: str, settings: LazySettings
) -> None:
    settings.RECORD_NUMBER_SYSTEM = "urn:oid:1.2"
    (row,) = found(patient(**fields))
    assert (row.code, row.record_number) == (code, number)


def test_official_name_comes_first_and_a_text_as_it_is() -> None:
    names = [{"use": "nickname", "text": "Nini"}, {"use": "official", "text": "Ines M. Moreau", "given": ["Ines"]}]
    (row,) = found(patient(name=names, gender="unknown"))
    assert (row.name, row.sex) == ("Ines M. Moreau", "")


def signed_in(rf: RequestFactory, user: User) -> HttpRequest:
    request = rf.post("/")
    request.user = user
    return request


def test_duplicates_are_found_however_the_number_is_typed(ada: User, bo: User, rf: RequestFactory) -> None:
    own, foreign = make_patient(ada, name="Ines Moreau"), make_patient(bo, name="Omar Haddad")
    numbers = [f" {own.record_number.lower()}", foreign.record_number, "N-1", "n‐1"]
    content = HEADER + "".join(f"{number},Someone Else,1980-01-02,\n" for number in numbers)
    rows = read_patients(content.encode(), signed_in(rf, ada))
    assert [(row.code, row.patient) for row in rows] == [("", str(own.pk)), ("taken", ""), ("", ""), ("twice", "")]
    assert AccessLog.objects.about(foreign).get().action == AccessLog.Action.TRY_NUMBER
    assert not AccessLog.objects.about(own).exists()


def test_trying_numbers_of_others_comes_to_an_end(ada: User, bo: User, rf: RequestFactory) -> None:
    foreign = [make_patient(bo) for _ in range(40)]
    content = HEADER + "".join(f"{each.record_number},Someone Else,1980-01-02,\n" for each in foreign) + "N-1,New,1980-01-02,\n"
    codes = [row.code for row in read_patients(content.encode(), signed_in(rf, ada))]
    assert codes[0] == "taken"
    assert codes[-1] == "too_many_tries"


@pytest.mark.parametrize("text", HARMFUL)
def test_harmful_text_is_text_or_has_a_code(text: str) -> None:
    (row,) = found(patient(name=[{"text": f"Ines {text}"}], identifier=[{"value": text}]))
    assert row.code in ("", "number", "number_too_long")
    assert row.name.startswith("Ines")


def codes_in(read: Callable[[str], list[FoundPatient]], text: str) -> set[str]:
    try:
        return {row.code for row in read(text)}
    except UnreadableFile as refused:
        return {refused.code}


@hypothesis_settings(max_examples=30)
@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    assert codes_in(read_csv, HEADER + text) <= {*FILES, *ROWS, ""}
    assert codes_in(read_fhir, text) <= set(FILES)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["use", "value", "type", "coding", "given"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@hypothesis_settings(max_examples=30)
@given(st.dictionaries(st.sampled_from(["identifier", "name", "birthDate", "gender", "active"]), JSON))
def test_no_patient_breaks_the_reader(fields: dict[str, object]) -> None:
    (row,) = found(patient(**fields))
    assert row.code in {*ROWS, ""}


def test_codes_are_documented() -> None:
    told = (PROJECT / "docs" / "patient-files.md").read_text()
    assert [code for code in (*FILES, *ROWS) if f"`{code}`" not in told] == []


def test_nothing_is_stored_by_reading(ada: User, rf: RequestFactory) -> None:
    read_patients((HEADER + "R-9,Ines,1991-02-14,").encode(), signed_in(rf, ada))
    assert not Patient.objects.exists()
