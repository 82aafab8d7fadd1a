"""Patients out of a file, in a real browser: from My patients to the new record, and no one else is changed."""

from playwright.sync_api import FilePayload, Page, expect

from tests.e2e.chromium import violations
from tests.e2e.conftest import OpenPage, sign_in
from tests.engines.installation import Installation

ROWS = """record_number;name;birth_date;sex
E-241;Zoë Müller;1980-03-04;female
demo-1;Someone Else;1990-01-01;
E-242;Omar Haddad;1980;male
E-243;Eva Gil;1980-03-04;
"""
FORGET = """
from patients.models import Patient
for patient in Patient.objects.filter(created_at__gte="{since}"):
    if patient.record_number == "E-241":
        patient.delete()
"""


def choose(page: Page, name: str, content: bytes) -> None:
    page.get_by_label("CSV file or FHIR bundle").set_input_files(FilePayload(name=name, mimeType="text/csv", buffer=content))
    page.get_by_role("button", name="Check the file").click()


def test_patients_of_a_file_are_added_as_chosen(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, installation)
    since = installation.run("from django.utils import timezone; print(timezone.now())").strip()
    page.get_by_role("link", name="Import", exact=True).click()
    choose(page, "patients.csv", ROWS.encode("cp1252"))
    expect(page.get_by_role("status")).to_contain_text("2 new, 1 here already, 1 cannot be imported")
    assert violations(page) == []
    page.get_by_label("Add Eva Gil").uncheck()
    expect(page.get_by_label("leave as it is")).to_be_checked()
    page.get_by_role("button", name="Import as chosen").click()
    expect(page.get_by_role("status")).to_contain_text("1 patient added, 0 changed, 2 left as they are, 1 not imported")
    page.get_by_role("link", name="Zoë Müller").click()
    expect(page.locator("body")).to_contain_text("E-241")
    installation.run(FORGET.format(since=since))
