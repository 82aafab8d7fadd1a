"""The import of patients: nothing without a choice, nothing lost, and an entry for each."""

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from patients.models import AccessLog, Patient, PatientImport, User
from patients.tasks.sweep import sweep_tasks
from tests.factories import make_patient, make_visit

pytestmark = pytest.mark.django_db
HEADER = "record_number,name,birth_date,sex\n"


def upload(browser: Client, text: str, name: str = "patients.csv") -> str:
    """Send a file and return the address of its check."""
    answer = browser.post("/patients/import/", {"file": SimpleUploadedFile(name, text.encode())})
    assert answer.status_code == 302
    return str(answer["Location"])


def page(browser: Client, address: str) -> str:
    return " ".join(browser.get(address).content.decode().split())


def entries(patient: Patient) -> list[tuple[str, dict[str, Any]]]:
    return [(entry.action, entry.detail) for entry in AccessLog.objects.about(patient)]


def test_new_patients_are_added_and_bad_rows_stay(browser: Client, ada: User) -> None:
    text = HEADER + "N-1,Zoë Müller,1980-01-02,female\nN-2,Omar Haddad,1980,\nN-3,Ines Moreau,1991-02-14,\n"
    check = upload(browser, text)
    shown = page(browser, check)
    assert "<b>2 new</b>, 0 here already, 1 cannot be imported" in shown
    assert "birth_date</code>" in shown
    assert not Patient.objects.exists()
    assert browser.post(f"{check}carry-out/", {"row-0": "add"})["Location"] == check
    zoe = Patient.objects.get()
    assert (zoe.name, zoe.record_number, zoe.birth_date, zoe.sex) == ("Zoë Müller", "N-1", date(1980, 1, 2), "female")
    assert list(zoe.clinicians.all()) == [ada]
    assert entries(zoe) == [("add", {"new": True, "file": True})]
    done = page(browser, check)
    assert "<b>1 patient added</b>, 0 changed, 1 left as is, 1 not imported" in done
    assert "Omar Haddad" in done
    assert "added the patient from a file" in page(browser, f"/patients/{zoe.pk}/access-log/")


def test_file_sent_twice_adds_once(browser: Client) -> None:
    check = upload(browser, HEADER + "N-1,Ines Moreau,1991-02-14,\n")
    for _ in range(2):
        browser.post(f"{check}carry-out/", {"row-0": "add"})
    assert Patient.objects.count() == 1
    again = upload(browser, HEADER + "n‐1,Ines Moreau,1991-02-14,\n")
    assert "and the same" in page(browser, again)


def test_patient_who_is_here_changes_only_by_choice(browser: Client, ines: Patient) -> None:
    check = upload(browser, HEADER + f"{ines.record_number},Inès Moreau,1991-02-15,female\n")
    shown = page(browser, check)
    assert "<del>Ines Moreau</del> → <ins>Inès Moreau</ins>" in shown
    browser.post(f"{check}carry-out/", {"row-0": "add"})  # not one of its choices
    ines.refresh_from_db()
    assert (ines.name, entries(ines)) == ("Ines Moreau", [("list", {})])
    check = upload(browser, HEADER + f"{ines.record_number},Inès Moreau,1991-02-15,female\n")
    browser.post(f"{check}carry-out/", {"row-0": "update"})
    ines.refresh_from_db()
    assert (ines.name, ines.birth_date, ines.sex) == ("Inès Moreau", date(1991, 2, 15), "female")
    assert entries(ines)[0] == ("edit", {"page": "patient_import"})
    assert "from a file" in page(browser, f"/patients/{ines.pk}/access-log/")


def test_file_without_sex_leaves_it(browser: Client, ines: Patient) -> None:
    ines.sex = "female"
    ines.save()
    check = upload(browser, f"record_number,name,birth_date\n{ines.record_number},Inès Moreau,1991-02-14\n")
    browser.post(f"{check}carry-out/", {"row-0": "update"})
    ines.refresh_from_db()
    assert (ines.name, ines.sex) == ("Inès Moreau", "female")


def test_change_of_a_colleague_is_not_overwritten(browser: Client, ines: Patient) -> None:
    check = upload(browser, HEADER + f"{ines.record_number},Inès Moreau,1991-02-14,\n")
    ines.name = "Ines Moreau-Klein"
    ines.save()
    browser.post(f"{check}carry-out/", {"row-0": "update"})
    ines.refresh_from_db()
    assert ines.name == "Ines Moreau-Klein"
    assert "changed</code>" in page(browser, check)


@pytest.mark.parametrize(("birth", "code"), [("1991-02-14", "gone"), ("2026-11-25", "born_after_first_day")])
def test_row_that_cannot_be_carried_out_any_more_has_a_code(browser: Client, ines: Patient, birth: str, code: str) -> None:
    make_visit(ines, date(2026, 11, 20))
    with time_machine.travel("2026-11-29T12:00:00Z"):
        check = upload(browser, HEADER + f"{ines.record_number},Inès Moreau,{birth},\nN-1,Omar Haddad,1980-01-02,\n")
        if code == "gone":
            ines.assignments.all().delete()
        browser.post(f"{check}carry-out/", {"row-0": "update", "row-1": "add"})
        assert f"{code}</code>" in page(browser, check)
    assert Patient.objects.count() == 2  # the other row was carried out
    ines.refresh_from_db()
    assert ines.name == "Ines Moreau"


def test_number_taken_meanwhile_is_not_given_twice(browser: Client, bo: User) -> None:
    check = upload(browser, HEADER + "N-1,Omar Haddad,1980-01-02,\n")
    theirs = make_patient(bo, name="Someone Else")
    theirs.record_number = "N-1"
    theirs.save()
    browser.post(f"{check}carry-out/", {"row-0": "add"})
    assert Patient.objects.count() == 1
    shown = page(browser, check)
    assert "taken</code>" in shown
    assert "Someone Else" not in shown


def test_file_that_cannot_be_read_says_why_and_keeps_nothing(browser: Client) -> None:
    answer = browser.post("/patients/import/", {"file": SimpleUploadedFile("x.xlsx", b"PK\x03\x04\0\0")})
    assert answer.status_code == 400
    assert "Save a spreadsheet as CSV" in answer.content.decode()
    assert browser.post("/patients/import/").status_code == 400
    assert not PatientImport.objects.exists()


def test_only_who_imports_sees_it_and_for_a_day(browser: Client, strange: Client) -> None:
    check = upload(browser, HEADER + "N-1,Omar Haddad,1980-01-02,\n")
    assert [strange.get(check).status_code, strange.post(f"{check}carry-out/").status_code] == [404, 404]
    assert "Omar Haddad" not in page(strange, "/patients/import/")
    assert "is checked and not imported" in page(browser, "/patients/import/")
    assert browser.get(check).status_code == 200
    PatientImport.objects.update(created_at=timezone.now() - timedelta(hours=24))
    assert browser.get(check).status_code == 404
    sweep_tasks()
    assert not PatientImport.objects.exists()


def test_researcher_may_not_import(browser: Client, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(role=User.Role.RESEARCHER)
    assert browser.get("/patients/import/").status_code == 404


def test_list_can_be_deleted_at_once(browser: Client) -> None:
    check = upload(browser, HEADER + "N-1,Omar Haddad,1980-01-02,\n")
    assert browser.post(f"{check}discard/")["Location"] == "/patients/import/"
    assert not PatientImport.objects.exists()


def test_what_was_imported_is_kept_nowhere_else(browser: Client) -> None:
    check = upload(browser, HEADER + "N-1,Omar Haddad,1980-01-02,\n")
    browser.post(f"{check}carry-out/", {"row-0": "add"})
    (row,) = PatientImport.objects.get().found
    assert (row.name, row.record_number, row.birth_date, row.outcome) == ("", "", "", "added")


def test_our_own_bundle_can_be_imported_again(browser: Client, ada: User, ines: Patient) -> None:
    visit = make_visit(ines)
    content = b"".join(browser.get(f"/visits/{visit.pk}/fhir/").streaming_content).decode()  # type: ignore[attr-defined]  # a streamed answer
    check = upload(browser, content, "bundle.json")
    assert "and the same" in page(browser, check)


def test_each_row_takes_few_queries(browser: Client, django_assert_max_num_queries: Any) -> None:
    text = HEADER + "".join(f"N-{k},Omar Haddad,1980-01-02,\n" for k in range(10))
    check = upload(browser, text)
    with django_assert_max_num_queries(10 + 10 * 22):
        browser.post(f"{check}carry-out/", {f"row-{k}": "add" for k in range(10)})
    assert Patient.objects.count() == 10
