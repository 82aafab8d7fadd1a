"""Care teams: who sees a patient, who changes that, and who viewed the record."""

import pytest
from django.test import Client

from patients.models import AccessLog, Membership, Patient, Team, User, Visit
from tests.factories import make_clinician, make_photo


def sees(user: User, patient: Patient) -> bool:
    return Patient.objects.visible_to(user).filter(pk=patient.pk).exists()


@pytest.fixture
def team(bo: User) -> Team:
    """Return the team of Dr Bo."""
    team = Team.objects.create(name="Day clinic")
    Membership.objects.create(team=team, clinician=bo)
    return team


def test_colleague_sees_the_patient_once_assigned_and_no_longer(browser: Client, ines: Patient, bo: User) -> None:
    browser.post(f"/patients/{ines.pk}/care/assign/", {"clinician": bo.pk})
    assert sees(bo, ines)
    browser.post(f"/patients/{ines.pk}/care/unassign/", {"clinician": bo.pk})
    assert not sees(bo, ines)
    entries = AccessLog.objects.filter(action="permission")
    assert [(entry.object_kind, entry.object_id, entry.detail) for entry in entries] == [
        ("user", str(bo.pk), {"changed": "assigned"}),
        ("user", str(bo.pk), {"changed": "unassigned"}),
    ]


def test_everybody_in_a_team_sees_its_patients_with_all_that_belongs_to_them(
    browser: Client, strange: Client, team: Team, bo: User, visit: Visit
) -> None:
    photo = make_photo(visit)
    browser.post(f"/patients/{visit.patient_id}/care/assign/", {"team": team.pk})
    for path in (f"/patients/{visit.patient_id}/", f"/visits/{visit.pk}/", f"/photos/{photo.pk}/", f"/api/v1/photos/{photo.pk}/"):
        assert strange.get(path).status_code == 200
    assert strange.get(f"/photos/{photo.pk}/").context["care_team"] == team.name
    assert "Ines Moreau" in strange.get("/patients/").content.decode()
    team.memberships.all().delete()
    assert not sees(bo, visit.patient)


def test_patient_assigned_twice_appears_once(team: Team, bo: User, ines: Patient) -> None:
    ines.assign(bo)
    team.assignments.create(patient=ines)
    assert list(Patient.objects.visible_to(bo)) == [ines]


def test_last_carer_cannot_be_removed(browser: Client, ines: Patient, ada: User, bo: User) -> None:
    answer = browser.post(f"/patients/{ines.pk}/care/unassign/", {"clinician": ada.pk}, follow=True)
    assert "No one would be left" in answer.content.decode()
    ines.assign(bo)
    User.objects.filter(pk=bo.pk).update(is_active=False)
    browser.post(f"/patients/{ines.pk}/care/unassign/", {"clinician": ada.pk})
    assert sees(ada, ines)
    assert not AccessLog.objects.filter(action="permission").exists()


def test_leaving_a_patient_leads_to_the_list(browser: Client, ines: Patient, ada: User, bo: User) -> None:
    ines.assign(bo)
    answer = browser.post(f"/patients/{ines.pk}/care/unassign/", {"clinician": ada.pk})
    assert answer.headers["Location"] == "/patients/"
    assert not sees(ada, ines)


@pytest.mark.parametrize("asked", [{}, {"clinician": "x"}, {"clinician": "9" * 30}, {"team": "4711"}])
def test_unknown_carer_is_404(browser: Client, ines: Patient, asked: dict[str, str]) -> None:
    assert browser.post(f"/patients/{ines.pk}/care/assign/", asked).status_code == 404


def test_researchers_and_administrators_cannot_be_assigned(browser: Client, ines: Patient) -> None:
    other = make_clinician("Rae Search", "rae@clinic.test", role=User.Role.RESEARCHER)
    assert browser.post(f"/patients/{ines.pk}/care/assign/", {"clinician": other.pk}).status_code == 404
    ines.assign(other)  # and a row of theirs, left from before, opens nothing
    assert not sees(other, ines)
