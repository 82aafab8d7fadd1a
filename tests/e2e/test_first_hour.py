"""The first hour of a new clinician: from the invitation to the first photo, without a dead end."""

from playwright.sync_api import expect

from demo.management.commands.load_demo import ADMINISTRATOR
from tests.e2e.chromium import violations
from tests.e2e.conftest import OpenPage, sign_in
from tests.engines.installation import Installation

CHOSEN = "a calm long phrase"


def test_an_invited_clinician_gets_to_the_first_photo(installation: Installation, open_page: OpenPage) -> None:
    admin = open_page()
    sign_in(admin, installation, email=ADMINISTRATOR)
    admin.get_by_role("link", name="Invite").click()
    admin.get_by_label("E-mail").fill("nia@clinic.test")
    admin.get_by_label("Name").fill("Dr Nia New")
    admin.get_by_role("button", name="Create account").click()
    admin.get_by_label("Password").fill(installation.password)
    admin.get_by_role("button", name="Continue").click()
    link = admin.get_by_label("Link").input_value()
    assert violations(admin) == []
    admin.get_by_role("link", name="Back", exact=True).click()
    expect(admin.get_by_role("row", name="Dr Nia New")).to_contain_text("Invited")

    page = open_page()
    page.goto(link)
    expect(page).to_have_title("Set your password · Affectline")
    page.get_by_label("New password", exact=True).fill(CHOSEN)
    page.get_by_label("New password again").fill(CHOSEN)
    page.get_by_role("button", name="Save and continue").click()
    page.locator("#tour").get_by_role("button", name="Skip the tour").click()
    page.get_by_role("link", name="Add patient").first.click()
    page.get_by_label("Name").fill("Mara Novak")
    page.get_by_label("Date of birth").fill("1980-05-04")
    page.get_by_label("Record number").fill("FIRST-1")
    page.get_by_role("button", name="Add patient").click()

    care = page.locator("#care")
    care.get_by_role("button", name="Record consent").click()
    expect(care).to_contain_text("Choose how consent was given.")
    care.get_by_label("Given on").fill("2026-11-20")
    care.get_by_label("How").select_option("signed")
    care.get_by_role("button", name="Record consent").click()
    page.get_by_role("link", name="New visit").click()
    page.locator("main form button[type=submit]").click()
    expect(page.locator("#drop")).to_be_visible()

    admin.reload()
    expect(admin.get_by_role("row", name="Dr Nia New")).not_to_contain_text("Invited")


def test_the_password_is_asked_for_with_its_reason(installation: Installation, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, installation)
    page.get_by_label("menu").click()
    page.get_by_role("link", name="Emergency access", exact=True).click()
    expect(page.get_by_text("Enter your password to continue to emergency access.")).to_be_visible()
    page.get_by_label("Password").fill(installation.password)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Emergency access")).to_be_visible()
