"""Care teams: who sees a patient, who changes that, and who viewed the record."""

import pytest
from django.test import Client

from patients.models import AccessLog, CareRequest, Membership, Patient, Team, User, Visit
from patients.models.access import pseudonym
from tests.factories import make_clinician, make_photo, prove


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
    Patient.objects.update(responsible=bo)
    answer = browser.post(f"/patients/{ines.pk}/care/unassign/", {"clinician": ada.pk})
    assert answer.headers["Location"] == "/patients/"
    assert not sees(ada, ines)


def kinds_of(user: User) -> list[tuple[str, str, str]]:
    """Return the notices of the user, oldest first: what, by whom, about whom."""
    notices = user.notices.order_by("pk").select_related("by", "about")
    return [(each.kind, each.by.display_name if each.by else "", each.about.display_name if each.about else "") for each in notices]


def test_newly_assigned_colleague_removes_no_one(strange: Client, ines: Patient, ada: User, bo: User, team: Team) -> None:
    ines.assign(bo)
    ines.teams.add(team)
    for asked in ({"clinician": ada.pk}, {"team": team.pk}):
        page = strange.post(f"/patients/{ines.pk}/care/unassign/", asked, follow=True).content.decode()
        assert "Only the responsible clinician and team leads remove others." in page
    assert (sees(ada, ines), list(ines.teams.all())) == (True, [team])
    assert "Remove Dr Ada Lind" not in strange.get(f"/patients/{ines.pk}/care/").content.decode()
    strange.post(f"/patients/{ines.pk}/care/unassign/", {"clinician": bo.pk})  # oneself
    assert not ines.clinicians.contains(bo)


def test_responsible_clinician_is_replaced_and_never_removed(browser: Client, ines: Patient, ada: User, bo: User) -> None:
    ines.assign(bo)
    lead = make_clinician("Dr Lea Dahl", "lea@clinic.test")
    team = Team.objects.create(name="Day clinic")
    Membership.objects.create(team=team, clinician=lead, is_lead=True)
    for member in (ada, bo):
        Membership.objects.create(team=team, clinician=member)
    ines.teams.add(team)
    leading = Client()
    leading.force_login(lead)
    page = leading.post(f"/patients/{ines.pk}/care/unassign/", {"clinician": ada.pk}, follow=True).content.decode()
    assert "The responsible clinician cannot be removed." in page
    prove(leading).post(f"/patients/{ines.pk}/care/responsible/", {"clinician": bo.pk})
    ines.refresh_from_db()
    assert ines.responsible == bo
    assert ("responsible", "Dr Lea Dahl", "Dr Bo Lindqvist") in kinds_of(ada)
    team.memberships.filter(clinician=ada).delete()
    leading.post(f"/patients/{ines.pk}/care/unassign/", {"clinician": ada.pk})
    assert not sees(ada, ines)
    # The clinician who was removed still sees who did it, and of which record.
    assert kinds_of(ada)[-1] == ("unassigned", "Dr Lea Dahl", "Dr Ada Lind")
    page = browser.get("/notices/").content.decode()
    assert "Dr Lea Dahl removed Dr Ada Lind from the care team of a patient." in page
    assert f"record {ines.record_number}" in page
    assert ines.name not in page
    assert AccessLog.objects.filter(action="list", patient=pseudonym(ines.pk), actor=ada).exists()


def test_leading_a_team_of_one_s_own_gives_no_say(strange: Client, ines: Patient, ada: User, bo: User, team: Team) -> None:
    ines.assign(bo)
    team.memberships.update(is_lead=True)  # Dr Bo leads the team, and assigns it
    strange.post(f"/patients/{ines.pk}/care/assign/", {"team": team.pk})
    prove(strange).post(f"/patients/{ines.pk}/care/responsible/", {"clinician": bo.pk})
    strange.post(f"/patients/{ines.pk}/care/unassign/", {"clinician": ada.pk})
    strange.post(f"/teams/{team.pk}/join/", {"clinician": ada.pk})  # she would have to confirm
    ines.refresh_from_db()
    assert (ines.responsible, sees(ada, ines), team.memberships.count()) == (ada, True, 1)


def test_responsible_clinician_hands_over_and_the_colleague_confirms(
    browser: Client, strange: Client, ines: Patient, ada: User, bo: User
) -> None:
    ines.assign(bo)
    assert prove(strange).post(f"/patients/{ines.pk}/care/responsible/", {"clinician": bo.pk}).status_code == 302
    assert not CareRequest.objects.exists()  # Dr Bo cannot take what no one hands over
    prove(browser).post(f"/patients/{ines.pk}/care/responsible/", {"clinician": bo.pk})
    asked = CareRequest.objects.get()
    browser.post(f"/requests/{asked.pk}/decide/", {"decision": "confirm"})  # not by oneself
    ines.refresh_from_db()
    assert ines.responsible == ada
    page = strange.get("/notices/").content.decode()
    assert "Dr Bo Lindqvist becomes the responsible clinician of a patient." in page
    assert ines.name in page
    strange.post(f"/requests/{asked.pk}/decide/", {"decision": "confirm"})
    ines.refresh_from_db()
    assert (ines.responsible, sees(ada, ines)) == (bo, True)


def test_carers_are_told_who_joins_them(browser: Client, ines: Patient, bo: User, team: Team) -> None:
    cem = make_clinician("Dr Cem Aydin", "cem@clinic.test")
    ines.assign(cem)
    browser.post(f"/patients/{ines.pk}/care/assign/", {"clinician": bo.pk})
    browser.post(f"/patients/{ines.pk}/care/assign/", {"team": team.pk})
    assert kinds_of(cem) == [("assigned", "Dr Ada Lind", "Dr Bo Lindqvist"), ("team_assigned", "Dr Ada Lind", "")]
    assert kinds_of(bo) == kinds_of(cem)


@pytest.mark.parametrize("asked", [{}, {"clinician": "x"}, {"clinician": "9" * 30}, {"team": "4711"}])
def test_unknown_carer_is_404(browser: Client, ines: Patient, asked: dict[str, str]) -> None:
    assert browser.post(f"/patients/{ines.pk}/care/assign/", asked).status_code == 404


def test_researchers_and_administrators_cannot_be_assigned(browser: Client, ines: Patient) -> None:
    other = make_clinician("Rae Search", "rae@clinic.test", role=User.Role.RESEARCHER)
    assert browser.post(f"/patients/{ines.pk}/care/assign/", {"clinician": other.pk}).status_code == 404
    ines.assign(other)  # and a row of theirs, left from before, opens nothing
    assert not sees(other, ines)
