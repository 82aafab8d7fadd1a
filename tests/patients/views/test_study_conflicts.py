"""Two people edit the same study: neither overwrites changes they have not seen, and nothing is lost without a word."""

import re
from html import unescape

import pytest
from django.test import Client

from patients.models import Arm, Study, StudyMember, User
from tests.factories import make_clinician, make_study

pytestmark = pytest.mark.django_db

HIDDEN = re.compile(r'<input type="hidden"\s+name="(initial-[\w-]+)"\s+value="([^"]*)"')


@pytest.fixture
def study(ada: User, bo: User) -> Study:
    """Return a study of Dr Ada with two arms, in which Dr Bo sees the group."""
    study = make_study(ada, arms=("treatment", "waiting list"))
    StudyMember.objects.create(study=study, person=bo)
    return study


def loaded(browser: Client, study: Study) -> dict[str, object]:
    """Return what a browser would send of the form as it was loaded."""
    page = browser.get(f"/studies/{study.pk}/edit/").content.decode()
    sent: dict[str, object] = {name: unescape(value) for name, value in HIDDEN.findall(page)}
    for name, value in list(sent.items()):
        if value not in ("False", "True"):
            sent[name.removeprefix("initial-")] = value
        elif value == "True":
            sent[name.removeprefix("initial-")] = "on"
    return sent | {"fields_seen": Study.objects.get(pk=study.pk).fields}


def post(browser: Client, study: Study, sent: dict[str, object]) -> str:
    """Return what the page says, or "saved"."""
    answer = browser.post(f"/studies/{study.pk}/edit/", sent)
    return "saved" if answer.status_code == 302 else unescape(answer.content.decode())


def test_changes_of_different_things_are_both_kept(browser: Client, study: Study, bo: User) -> None:
    sent = loaded(browser, study)
    first, second = study.arms.all()
    cleo = make_clinician("Cleo Marsh", "cleo@clinic.test")
    StudyMember.objects.create(study=study, person=cleo, may_export=True)
    Arm.objects.filter(pk=first.pk).update(name="ward")
    added = Arm.objects.create(study=study, name="day clinic", position=2)
    Study.objects.filter(pk=study.pk).update(ethics_reference="EC 2026/7", fields=["expressions"])
    assert post(browser, study, sent | {f"arm-{second.pk}": "later", "name": "Renamed", f"export-{bo.pk}": "on"}) == "saved"
    study.refresh_from_db()
    assert (study.name, study.ethics_reference, study.fields) == ("Renamed", "EC 2026/7", ["expressions"])
    assert [arm.name for arm in study.arms.all()] == ["ward", "later", added.name]
    rights = set(study.members.values_list("person__display_name", "may_export", "may_change"))
    assert rights == {(study.lead.display_name, True, True), (bo.display_name, True, False), ("Cleo Marsh", True, False)}


def test_change_of_the_same_thing_is_shown_before_it_is_saved(browser: Client, study: Study) -> None:
    arm = study.arms.all()[0]
    sent = loaded(browser, study) | {f"arm-{arm.pk}": "ward", "fields_seen": ["events", "sex"], "ethics_reference": "EC 1"}
    Arm.objects.filter(pk=arm.pk).update(name="day clinic")
    Study.objects.filter(pk=study.pk).update(fields=["events", "labels"], ethics_reference="EC 2")
    page = post(browser, study, sent)
    for now in ("day clinic", "Events, Own labels", "EC 2"):
        assert f"Someone else changed this to: {now}." in page
    study.refresh_from_db()
    assert (study.fields, study.arms.all()[0].name) == (["events", "labels"], "day clinic")
    again = {name: unescape(value) for name, value in HIDDEN.findall(page)}
    assert post(browser, study, sent | again) == "saved"  # now the colleague's words were seen
    study.refresh_from_db()
    assert (study.fields, study.arms.all()[0].name, study.ethics_reference) == (["events", "sex"], "ward", "EC 1")


def test_what_a_colleague_removed_is_told_if_it_was_changed_here(browser: Client, study: Study, bo: User) -> None:
    first, second = study.arms.all()
    sent = loaded(browser, study)
    Arm.objects.filter(pk=first.pk).delete()
    study.members.filter(person=bo).delete()
    page = post(browser, study, sent | {f"arm-{first.pk}": "ward", f"change-{bo.pk}": "on"})
    assert "Someone else removed the arm “treatment”." in page
    assert "Someone else removed a person whose rights you changed." in page
    assert post(browser, study, sent | {"name": "Renamed"}) == "saved"
    assert ([arm.pk for arm in study.arms.all()], study.members.count()) == ([second.pk], 1)


def test_person_who_was_given_a_right_meanwhile_is_not_removed_unseen(browser: Client, study: Study, bo: User) -> None:
    sent = loaded(browser, study)
    del sent[f"see-{bo.pk}"]
    study.members.filter(person=bo).update(may_export=True)
    assert "Someone else gave rights to a person whom you removed." in post(browser, study, sent)
    assert study.members.get(person=bo).may_export
    seen = loaded(browser, study)
    unticked = {name: value for name, value in seen.items() if name not in (f"see-{bo.pk}", f"export-{bo.pk}")}
    assert post(browser, study, unticked) == "saved"
    assert not study.members.filter(person=bo).exists()
