"""The pages of studies: who sees them, what the form allows, and what a clinician does on a patient's page."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from patients.models import AccessLog, Consent, Participation, Patient, Study, StudyMember, User
from tests.factories import make_clinician, make_patient, make_study

pytestmark = pytest.mark.django_db

FIELDS = {
    "name": "Expression after discharge",
    "ethics_reference": "",
    "starts_on": "2026-12-01",
    "smallest_cell": "5",
    "fields_seen": ["expressions", "age_band"],
    "new_arm": ["Ward", "Day clinic", ""],
}


@pytest.fixture
def rosa(db: None) -> User:
    """Return a researcher."""
    return make_clinician("Rosa Reyes", "rosa@clinic.test", role=User.Role.RESEARCHER)


@pytest.fixture
def omar(ada: User) -> Patient:
    """Return a patient of Dr Ada who consents to research."""
    return make_patient(ada, name="Omar Haddad", consents=(Consent.Purpose.CARE, Consent.Purpose.RESEARCH))


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(client: Client, path: str) -> str:
    return client.get(path).content.decode()


def sent_form(study: Study, **changed: object) -> dict[str, object]:
    """Return the form of an existing study as its page would send it."""
    arms = {f"arm-{arm.pk}": arm.name for arm in study.arms.all()}
    return {**FIELDS, "name": study.name, "ethics_reference": "EC 2026/1", "new_arm": [""], **arms, **changed}


def test_draft_saves_without_an_ethics_reference_and_no_one_can_join(browser: Client, ada: User, omar: Patient) -> None:
    browser.post("/studies/new/", FIELDS)
    study = Study.objects.get()
    assert (study.lead, study.fields, [arm.name for arm in study.arms.all()]) == (
        ada,
        ["expressions", "age_band"],
        ["Ward", "Day clinic"],
    )
    assert study.members.get().may_change
    assert "needs ethics reference" in text(browser, "/studies/")
    answer = browser.post(f"/patients/{omar.pk}/studies/join/", {"arm": study.arms.all()[0].pk})
    assert answer.status_code == 404
    assert AccessLog.objects.filter(action="add", object_kind="study", object_id=str(study.pk)).count() == 1


def test_study_is_there_for_its_members_alone(browser: Client, ada: User, strange: Client, rosa: User) -> None:
    study = make_study(ada)
    researcher = client_of(rosa)
    for other in (strange, researcher):
        assert other.get(f"/studies/{study.pk}/").status_code == 404
        assert study.name not in text(other, "/studies/")
    StudyMember.objects.create(study=study, person=rosa)
    assert study.name in text(researcher, "/studies/")
    assert researcher.get(f"/studies/{study.pk}/").status_code == 200
    assert researcher.get(f"/studies/{study.pk}/edit/").status_code == 404
    assert browser.get(f"/studies/{study.pk}/edit/").status_code == 200


def test_no_page_of_a_study_names_a_patient(ada: User, omar: Patient, rosa: User) -> None:
    study = make_study(ada, omar)
    StudyMember.objects.create(study=study, person=rosa, may_export=True, may_change=True)
    for path in ("/studies/", f"/studies/{study.pk}/", f"/studies/{study.pk}/edit/"):
        page = text(client_of(rosa), path)
        assert "Omar" not in page
        assert omar.record_number not in page


def test_lead_cannot_remove_themselves_and_someone_without_ticks_is_removed(browser: Client, ada: User, rosa: User) -> None:
    study = make_study(ada)
    path = f"/studies/{study.pk}/edit/"
    browser.post(path, sent_form(study, add_person=str(rosa.pk)))
    assert {member.person for member in study.members.all()} == {ada, rosa}
    browser.post(path, sent_form(study, **{f"export-{rosa.pk}": "on"}))
    assert study.members.get(person=rosa).may_export
    browser.post(path, sent_form(study))
    (left,) = study.members.all()
    assert (left.person, left.may_change) == (ada, True)
    assert AccessLog.objects.filter(action="edit", object_kind="study").last().detail == {"changed": "people"}  # type: ignore[union-attr]


def test_arm_with_participants_is_renamed_and_not_removed(browser: Client, ada: User, omar: Patient) -> None:
    study = make_study(ada, omar, arms=("treatment", "waiting list"))
    used, unused = study.arms.all()
    path = f"/studies/{study.pk}/edit/"
    refused = browser.post(path, sent_form(study, **{f"arm-{used.pk}": ""}))
    assert "can be renamed, not removed" in refused.content.decode()
    browser.post(path, sent_form(study, **{f"arm-{used.pk}": "waiting list", f"arm-{unused.pk}": "treatment"}))
    assert [(arm.pk, arm.name) for arm in study.arms.all()] == [(used.pk, "waiting list"), (unused.pk, "treatment")]
    browser.post(path, sent_form(study, **{f"arm-{unused.pk}": ""}))
    assert [arm.pk for arm in study.arms.all()] == [used.pk]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"new_arm": ["", ""]}, "Name at least one arm."),
        ({"new_arm": ["Ward", "ward"]}, "Two arms have the same name."),
        ({"new_arm": ["x" * 61]}, "at most 60 characters"),
        ({"smallest_cell": "2"}, "greater than or equal to 3"),
        ({"name": ""}, "Give the study a name."),
        ({"starts_on": ""}, "Enter the day from which visits count."),
    ],
)
def test_form_says_what_is_wrong(browser: Client, changed: dict[str, object], said: str) -> None:
    answer = browser.post("/studies/new/", FIELDS | changed)
    assert said in answer.content.decode()
    assert not Study.objects.exists()


def test_clinician_enrols_their_own_patients_alone(browser: Client, strange: Client, ada: User, bo: User, omar: Patient) -> None:
    study = make_study(ada, arms=("treatment", "waiting list"))
    StudyMember.objects.create(study=study, person=bo)
    first, second = study.arms.all()
    path = f"/patients/{omar.pk}/studies/"
    assert strange.post(f"{path}join/", {"arm": first.pk}).status_code == 404
    browser.post(f"{path}join/", {"arm": first.pk})
    participation = Participation.objects.get()
    assert (participation.patient, participation.arm, participation.enrolled_by) == (omar, first, ada)
    assert participation.number in text(browser, path)
    browser.post(f"{path}join/", {"arm": second.pk})
    assert Participation.objects.get().arm == second
    browser.post(f"{path}leave/", {"participation": participation.pk})
    assert Participation.objects.get().left_on is not None


def test_access_log_of_the_patient_tells_of_studies(browser: Client, ada: User, omar: Patient) -> None:
    study = make_study(ada, arms=("treatment", "waiting list"))
    path = f"/patients/{omar.pk}/studies/"
    for arm in study.arms.all():
        browser.post(f"{path}join/", {"arm": arm.pk})
    browser.post(f"{path}leave/", {"participation": Participation.objects.get().pk})
    browser.get(path)
    page = text(browser, f"/patients/{omar.pk}/access-log/")
    for words in (
        "put the patient into a study",
        "changed the patient’s arm in a study",
        "recorded that the patient left a study",
        "opened the studies of the patient",
    ):
        assert words in page


def test_name_of_a_study_is_no_news_to_others(browser: Client, ada: User, rosa: User) -> None:
    make_study(ada, name=str(FIELDS["name"]))
    assert "of this name already" in browser.post("/studies/new/", FIELDS).content.decode()
    assert client_of(rosa).post("/studies/new/", FIELDS).status_code == 302
    assert Study.objects.filter(name=FIELDS["name"]).count() == 2


def test_patient_without_consent_is_told_so(browser: Client, ada: User, ines: Patient) -> None:
    study = make_study(ada)
    page = browser.post(f"/patients/{ines.pk}/studies/join/", {"arm": study.arms.get().pk}, follow=True).content.decode()
    assert "does not consent to research" in page
    assert not Participation.objects.exists()


def test_list_needs_the_same_queries_for_every_number_of_studies(browser: Client, ada: User, omar: Patient) -> None:
    make_study(ada, omar)
    numbers = []
    for _ in range(3):
        with CaptureQueriesContext(connection) as queries:
            browser.get("/studies/")
        numbers.append(len(queries))
        make_study(ada, omar, arms=("one", "two"))
    assert len(set(numbers)) == 1


def test_sex_as_recorded_is_optional_and_encrypted(browser: Client) -> None:
    browser.post("/patients/new/", {"name": "Mara Novak", "birth_date": "1980-05-04", "record_number": "R-777", "sex": "female"})
    assert Patient.objects.get().sex == "female"
    browser.post("/patients/new/", {"name": "Tom Novak", "birth_date": "1980-05-04", "record_number": "R-778"})
    assert sorted(patient.sex for patient in Patient.objects.all()) == ["", "female"]
