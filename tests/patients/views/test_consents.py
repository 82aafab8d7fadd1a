"""What a patient agreed to, as a clinician records it."""

import re
from datetime import timedelta

import pytest
from django.conf import LazySettings, settings
from django.test import Client
from django.utils import timezone

from patients.consent.consent import TEXTS, consent_text, consent_text_fingerprint
from patients.models import Consent, ErasureRequest, Patient, User, Visit


def consent_form(purpose: str = "care") -> dict[str, str]:
    """Return what the page sends that shows the words in use now."""
    return {"given_on": "2026-11-20", "method": "signed", "words": consent_text_fingerprint(purpose)}


@pytest.fixture
def undecided(ines: Patient) -> Patient:
    """Return Ines before she agreed to anything."""
    ines.consents.all().delete()
    return ines


def test_a_patient_without_consent_is_told_apart(browser: Client, undecided: Patient) -> None:
    page = browser.get(f"/patients/{undecided.pk}/").content.decode()
    assert "No consent to care." in page
    assert f'href="/patients/{undecided.pk}/consent/"' in page


@pytest.mark.parametrize("purpose", Consent.Purpose.values)
def test_a_recorded_consent_is_in_force(browser: Client, undecided: Patient, purpose: str) -> None:
    browser.post(f"/patients/{undecided.pk}/consent/{purpose}/", consent_form(purpose))
    consent = undecided.consents.active().get()
    assert (consent.purpose, consent.method, consent.recorded_by.email) == (purpose, "signed", "ada@clinic.test")
    assert "Since 20 Nov 2026" in browser.get(f"/patients/{undecided.pk}/consent/").content.decode()


def test_the_banner_says_since_when(browser: Client, undecided: Patient) -> None:
    browser.post(f"/patients/{undecided.pk}/consent/care/", consent_form())
    assert "care, since 20 Nov 2026" in browser.get(f"/patients/{undecided.pk}/").content.decode()


def test_a_consent_to_come_is_refused(browser: Client, undecided: Patient) -> None:
    tomorrow = timezone.localdate() + timedelta(days=1)
    page = browser.post(f"/patients/{undecided.pk}/consent/care/", consent_form() | {"given_on": tomorrow.isoformat()})
    assert "The date cannot be in the future." in page.content.decode()
    assert not undecided.consents.exists()


def test_a_second_consent_for_one_purpose_is_not_recorded(browser: Client, undecided: Patient) -> None:
    for _ in range(2):
        page = browser.post(f"/patients/{undecided.pk}/consent/care/", consent_form(), follow=True)
    assert "This consent is already recorded." in page.content.decode()
    assert undecided.consents.count() == 1


def test_a_purpose_that_does_not_exist_is_not_found(browser: Client, undecided: Patient) -> None:
    assert browser.post(f"/patients/{undecided.pk}/consent/profit/", consent_form()).status_code == 404


def test_a_withdrawal_names_when_the_pictures_go(browser: Client, undecided: Patient) -> None:
    browser.post(f"/patients/{undecided.pk}/consent/care/", consent_form())
    page = browser.post(f"/patients/{undecided.pk}/consent/care/withdraw/", follow=True).content.decode()
    assert "Photos will be erased on" in page
    assert not undecided.has_consent("care")
    assert ErasureRequest.objects.open().filter(patient=undecided).exists()


def test_consent_keeps_the_words_it_was_given_to(browser: Client, undecided: Patient, settings: LazySettings) -> None:
    settings.CONSENT_TEXTS, settings.CONSENT_TEXT_VERSION = dict.fromkeys(Consent.Purpose.values, "Photograph me."), "ours 1"
    browser.post(f"/patients/{undecided.pk}/consent/care/", consent_form())
    settings.CONSENT_TEXTS, settings.CONSENT_TEXT_VERSION = dict.fromkeys(Consent.Purpose.values, "Film me."), "ours 2"
    page = browser.get(f"/patients/{undecided.pk}/consent/").content.decode()
    assert (page.count("“Photograph me.”"), page.count("“Film me.”")) == (1, 3)
    browser.post(f"/patients/{undecided.pk}/consent/care/withdraw/")
    page = browser.get(f"/patients/{undecided.pk}/consent/").content.decode()
    assert (page.count("“Photograph me.”"), page.count("“Film me.”")) == (1, 3)


@pytest.mark.parametrize("changed", [{"CONSENT_TEXT_VERSION": "ours 2"}, {"CONSENT_TEXTS": {"care": "Film me."}}])
def test_consent_to_words_that_are_no_longer_in_use_is_not_recorded(
    browser: Client, undecided: Patient, settings: LazySettings, changed: dict[str, object]
) -> None:
    path = f"/patients/{undecided.pk}/consent/"
    settings.CONSENT_TEXTS, settings.CONSENT_TEXT_VERSION = dict.fromkeys(Consent.Purpose.values, "Photograph me."), "ours 1"
    marks = re.findall(r'name="words"\s+value="(\w+)"', browser.get(path).content.decode())
    assert len(marks) == len(Consent.Purpose)
    shown = {"given_on": "2026-11-20", "method": "signed", "words": marks[0]}
    for name, value in changed.items():
        setattr(settings, name, settings.CONSENT_TEXTS | value if isinstance(value, dict) else value)
    for sent in (shown, {**shown, "given_on": "2199-01-01"}, {**shown, "words": ""}):
        page = browser.post(f"{path}care/", sent, follow=True)
        assert page.redirect_chain == [(path, 302)]
        assert "The text of this consent has changed since you opened the page." in page.content.decode()
        assert not undecided.consents.exists()
    browser.post(f"{path}care/", consent_form())
    assert undecided.consents.exists()


def test_words_that_were_not_kept_are_not_made_up(browser: Client, ines: Patient, ada: User) -> None:
    Consent.give(ines, "research", ada, on=timezone.localdate(), text_version="ours 3")
    page = browser.get(f"/patients/{ines.pk}/consent/").content.decode()
    assert "The text of version ours 3 is not stored here." in page
    assert str(TEXTS["research"]) not in page


def test_withdrawal_tells_the_hours_that_an_erasure_waits(browser: Client, ines: Patient, settings: LazySettings) -> None:
    settings.ERASURE_GRACE_HOURS = 72
    assert "erased after 72 hours." in browser.get(f"/patients/{ines.pk}/consent/").content.decode()


def test_only_the_erasure_of_a_withdrawal_can_be_a_mistake(browser: Client, ines: Patient, ada: User) -> None:
    path = f"/patients/{ines.pk}/consent/"
    request = ErasureRequest.queue(ines, "images", ada, ErasureRequest.Cause.WITHDRAWAL)
    assert "If this is a mistake" in browser.get(path).content.decode()
    ErasureRequest.objects.filter(pk=request.pk).update(cause=ErasureRequest.Cause.REQUEST)
    page = browser.get(path).content.decode()
    assert "Photos will be erased on" in page
    assert "If this is a mistake" not in page


def test_patient_and_visit_name_an_erasure_that_waits(browser: Client, visit: Visit) -> None:
    browser.post(f"/patients/{visit.patient_id}/consent/care/withdraw/")
    for path in (f"/patients/{visit.patient_id}/", f"/visits/{visit.pk}/"):
        assert "Photos will be erased on" in browser.get(path).content.decode()


def test_a_new_patient_is_asked_for_consent_first(browser: Client) -> None:
    fields = {"name": "Mara Novak", "birth_date": "1980-05-04", "record_number": "R-777"}
    answer = browser.post("/patients/new/", fields)
    assert answer.headers["Location"] == f"/patients/{Patient.objects.get().pk}/consent/"


def test_neither_method_nor_day_is_chosen_for_the_clinician(browser: Client, undecided: Patient) -> None:
    path = f"/patients/{undecided.pk}/consent/"
    form = browser.get(path).content.decode()
    assert "selected" not in form.split("Choose</option>")[1].split("</select>")[0]
    assert re.search(r'name="given_on"(?![^>]*value)', form)
    page = browser.post(f"{path}care/", {"words": consent_text_fingerprint("care"), "given_on": "", "method": ""})
    assert not undecided.consents.exists()
    for field, said in (("method", "Choose how consent was given."), ("given_on", "Enter the day on which consent was given.")):
        assert said in page.content.decode().split(f'id="care_{field}_error"')[1].split("</span></span>")[0]


def test_text_tells_patient_and_staff_the_same_about_a_withdrawal(browser: Client, ines: Patient, settings: LazySettings) -> None:
    settings.ERASURE_GRACE_HOURS = 72
    text = consent_text("care")
    staff = browser.get(f"/patients/{ines.pk}/consent/").content.decode()
    for said in (text, staff):
        assert "eading" in said
        assert "stops at once, and the photos are erased after 72 hours. Values already read stay in" in " ".join(said.split())


def test_consent_to_an_earlier_text_stays_and_is_told_apart(browser: Client, ines: Patient) -> None:
    path = f"/patients/{ines.pk}/consent/"
    assert "Given to an earlier text." not in browser.get(path).content.decode()
    ines.consents.update(text_version="2026-11", words="I can withdraw at any time.")
    page = browser.get(path).content.decode()
    assert "“I can withdraw at any time.”" in page
    assert "Given to an earlier text. It stays valid" in page
    assert ines.has_consent("care")


def test_recording_consent_comes_first_for_a_patient_without(browser: Client, undecided: Patient) -> None:
    def primary() -> str:
        page = browser.get(f"/patients/{undecided.pk}/").content.decode()
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page.split("btn--primary")[2].split("</a>")[0]))

    assert "Record consent" in primary()
    browser.post(f"/patients/{undecided.pk}/consent/care/", consent_form())
    assert "New visit" in primary()


def test_consent_to_the_text_in_use_replaces_the_earlier_one_without_a_withdrawal(browser: Client, ines: Patient) -> None:
    path = f"/patients/{ines.pk}/consent/"
    ines.consents.filter(purpose="care").update(text_version="2026-11", words="I can withdraw at any time.")
    assert "Record consent to this text" in browser.get(path).content.decode()
    browser.post(f"{path}care/", consent_form())
    page = re.sub(r"\s+", " ", browser.get(path).content.decode())
    assert "Record consent to this text" not in page
    assert re.search(r"Given \d+ \w+ \d{4}, replaced \d+ \w+ \d{4} by consent to a newer text", page)
    assert "“I can withdraw at any time.”" in page  # the words of the earlier consent stay in the history
    assert ines.consents.active().get(purpose="care").text_version == settings.CONSENT_TEXT_VERSION
    assert ines.consents.filter(purpose="care", withdrawn_at=None).count() == 2
    assert not ErasureRequest.objects.filter(patient=ines).exists()


def test_what_is_missing_is_said_below_the_text_in_use(browser: Client, ines: Patient) -> None:
    ines.consents.filter(purpose="care").update(text_version="2026-11", words="I can withdraw at any time.")
    page = browser.post(f"/patients/{ines.pk}/consent/care/", consent_form() | {"method": ""}).content.decode()
    assert re.search(r"<details open>\s*<summary>(?:(?!<details).)*Given to an earlier text", page, re.DOTALL)
    assert "Choose how consent was given." in page
