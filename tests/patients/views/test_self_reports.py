"""Self-report: kept on its scales, told so in words, with or without scripts."""

import re
from urllib.parse import urlencode

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from patients.models import AccessLog, SelfReport, Visit

FORM = "application/x-www-form-urlencoded"


def reply_to(browser: Client, visit: Visit, **answers: str) -> str:
    """Return what the script is told after it sent the answers."""
    answer = browser.post(f"/visits/{visit.pk}/self-report/", answers, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_answers_are_kept_and_said_to_be(browser: Client, visit: Visit) -> None:
    assert "Saved " in reply_to(browser, visit, mood="3", phq9="17", gad7="")
    report = SelfReport.objects.get()
    assert (report.visit, report.mood, report.phq9, report.gad7) == (visit, 3, 17, None)
    reply_to(browser, visit, mood="4", phq9="17", gad7="9")
    report.refresh_from_db()
    assert (report.mood, report.gad7) == (4, 9)


def test_nothing_is_filled_in_beforehand(browser: Client, visit: Visit) -> None:
    page = browser.get(f"/visits/{visit.pk}/").content.decode()
    form = page.split('id="self-report"')[1].split("</form>")[0]
    assert " checked" not in form
    assert "Not recorded" in form
    assert 'name="phq9"' in form
    assert 'value="None"' not in form


def test_zero_is_an_answer(browser: Client, visit: Visit) -> None:
    reply_to(browser, visit, mood="0", phq9="0", gad7="0")
    report = SelfReport.objects.get()
    assert (report.mood, report.phq9, report.gad7) == (0, 0, 0)
    form = browser.get(f"/visits/{visit.pk}/").content.decode().split('id="self-report"')[1].split("</form>")[0]
    assert "<b>0</b>" in form


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"phq9": "28"}, "PHQ-9 must be 0 to 27"),
        ({"gad7": "22"}, "GAD-7 must be 0 to 21"),
        ({"gad7": "2.5"}, "GAD-7 must be 0 to 21"),
        ({"mood": "11"}, "Mood must be 0 to 10"),
    ],
)
def test_an_answer_off_its_scale_is_not_kept(browser: Client, visit: Visit, answers: dict[str, str], words: str) -> None:
    assert words in reply_to(browser, visit, **answers)
    page = browser.post(f"/visits/{visit.pk}/self-report/", answers)
    assert (page.status_code, words in page.content.decode()) == (400, True)
    assert not SelfReport.objects.exists()
    assert set(AccessLog.objects.values_list("action", flat=True)) == {"view"}  # the page with what was typed


@pytest.mark.parametrize(("name", "value"), [("mood", 11), ("phq9", 28), ("gad7", 22)])
def test_what_is_off_its_scale_is_never_sealed(visit: Visit, name: str, value: int) -> None:
    with pytest.raises(ValidationError):
        SelfReport.objects.create(visit=visit, **{name: value})


def test_mood_can_be_taken_back(browser: Client, visit: Visit) -> None:
    reply_to(browser, visit, mood="3", phq9="5")
    told = reply_to(browser, visit, mood="3", phq9="5", clear="mood")
    assert 'id="mood-scale" hx-swap-oob="true"' in told
    report = SelfReport.objects.get()
    assert (report.mood, report.phq9) == (None, 5)


def test_an_older_page_takes_back_only_what_was_changed_in_it(browser: Client, visit: Visit) -> None:
    older = {"initial-mood": "", "initial-phq9": "", "initial-gad7": ""}
    reply_to(browser, visit, mood="3", phq9="17", gad7="9")
    told = reply_to(browser, visit, mood="", phq9="12", gad7="", **older)
    report = SelfReport.objects.get()
    assert (report.mood, report.phq9, report.gad7) == (3, 12, 9)
    assert 'id="self-report-loaded" hidden hx-swap-oob="true"' in told
    assert '<input type="hidden" name="initial-phq9" value="12"' in told
    assert '<input type="hidden" name="initial-gad7" value=""' in told
    form = browser.get(f"/visits/{visit.pk}/").content.decode().split('id="self-report"')[1].split("</form>")[0]
    assert re.search(r'name="initial-mood"\s+value="3"', form)


def test_an_answer_that_got_no_answer_can_be_taken_back(browser: Client, visit: Visit) -> None:
    reply_to(
        browser, visit, phq9="17", gad7="9"
    )  # the page was loaded with 7 and 5, sent these and heard nothing; a colleague set 9
    loaded = {"initial-mood": "", "initial-phq9": "7", "initial-gad7": "5"}
    unanswered = {"sent-mood": "", "sent-phq9": "17", "sent-gad7": "5"}
    reply_to(browser, visit, phq9="7", gad7="5", **loaded, **unanswered)
    report = SelfReport.objects.get()
    assert (report.phq9, report.gad7) == (7, 9)


def test_without_scripts_it_leads_back_and_says_so(browser: Client, visit: Visit) -> None:
    address = f"/visits/{visit.pk}/self-report/"
    page = browser.post(address, urlencode({"mood": "7"}), content_type=FORM, follow=True)
    assert page.redirect_chain[-1][0] == f"/visits/{visit.pk}/"
    assert "Self-report saved." in page.content.decode()
    page = browser.post(address, urlencode({"mood": "7", "phq9": "99"}), content_type=FORM, follow=True)
    field = page.content.decode().split('id="phq9-field"')[1].split("</div>")[0]
    assert 'value="99"' in field  # as it was typed
    assert 'aria-invalid="true"' in field
    assert '<span class="hint" id="phq9-hint" data-hint="0 to 27">PHQ-9 must be 0 to 27</span>' in field


def test_a_stranger_reports_nothing(strange: Client, visit: Visit) -> None:
    assert strange.post(f"/visits/{visit.pk}/self-report/", {"mood": "3"}).status_code == 404
    assert not SelfReport.objects.exists()
