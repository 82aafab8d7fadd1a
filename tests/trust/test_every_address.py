"""Every address as every role. The addresses come from the URL configuration: a new one without a rule fails here."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from django.db import transaction
from django.http.response import HttpResponse, HttpResponseBase
from django.test import Client
from django.utils import timezone

from clinic.middleware import OPEN_WITHOUT_FACTOR
from patients.audit.addresses import ALLAUTH
from patients.audit.rules import MOVED, Right, Rule, Who
from patients.models import (
    AccessLog,
    ApiToken,
    BreakGlass,
    Event,
    Import,
    Membership,
    Patient,
    PhonePairing,
    Photo,
    Team,
    TeamAssignment,
    User,
)
from tests.answers import close_unread
from tests.factories import PASSWORD, make_clinician, make_photo, make_prediction, make_visit, prove
from tests.trust.addresses import Address, described, drawn, every_address, methods_of_the_api

pytestmark = pytest.mark.django_db
DOOR = "/accounts/login/"
WITHOUT_ANYTHING_TO_SHOW = {"mfa_remove_webauthn", "mfa_edit_webauthn", "mfa_download_recovery_codes", "mfa_view_recovery_codes"}
WITHOUT_ANYTHING_TO_SHOW |= {"patients:revoke_api_key"}
WITHOUT_ANYTHING_TO_SHOW |= {"openid_connect_login", "openid_connect_callback"}  # without a provider
WITHOUT_ANYTHING_TO_SHOW |= {"patients:end_session", "patients:draft", "patients:end_emergency", "patients:review_emergency"}
WITHOUT_ANYTHING_TO_SHOW |= {
    "patients:team",
    "patients:join_team",
    "patients:leave_team",
    "patients:invitation",
    "patients:hand_over",
    "patients:decide_request",
    "patients:responsible",
}
WITHOUT_ANYTHING_TO_SHOW |= {"metrics"}  # without its token
WITHOUT_ANYTHING_TO_SHOW |= {"patients:task_file", "patients:cancel_task", "patients:retry_task", "patients:acknowledge_task"}
WITHOUT_ANYTHING_TO_SHOW |= {"patients:assign", "patients:unassign", "patients:phone_pairing", "patients:end_phone_pairing"}
WITHOUT_ANYTHING_TO_SHOW |= {
    f"patients:{name}"
    for name in (
        *("add_imported_photo", "report_failure", "finish_import", "acknowledge_failures"),
        *("patient_import", "carry_out_patient_import", "discard_patient_import"),
        *("study", "group_model", "export_study", "edit_study", "join_study", "leave_study", "read_study_again"),
    )
}
WITHOUT_ANYTHING_TO_SHOW |= {
    f"api:{name}"
    for name in ("study-detail", "export-study", "leave-study", "task-detail", "task-file", "cancel-task", "retry-task")
}
"""No one in the cast has a passkey, recovery codes, a second session, a draft or a phone, no one but Dr Ada an import, no one
a study or a task, and no form is filled in: these addresses answer 404 even to those they let in."""


@dataclass(frozen=True)
class Role:
    """A user who tries every address. `sees`: patients at all; `regularly`: not only through emergency access."""

    user: User | None
    client: Client
    sees: bool = False
    regularly: bool = False
    by_key: bool = False


Cast = Callable[[Patient], Role]


def browser(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return prove(client)


def person(number: int, **fields: object) -> User:
    return make_clinician(f"Dr Number {number}", f"n{number}@clinic.test", **fields)


def in_team(ines: Patient, is_lead: bool) -> Role:
    user, team = person(3), Team.objects.create(name="Day clinic")
    TeamAssignment.objects.create(patient=ines, team=team)
    Membership.objects.create(team=team, clinician=user, is_lead=is_lead)
    return Role(user, browser(user), sees=True, regularly=True)


def in_emergency(ines: Patient, hours_ago: float) -> Role:
    user, opened = person(4), timezone.now() - timedelta(hours=hours_ago)
    BreakGlass.objects.create(
        patient=ines, clinician=user, reason="Overdose", opened_at=opened, ends_at=opened + timedelta(hours=2)
    )
    return Role(user, browser(user), sees=hours_ago < 2)


def own(ines: Patient, **fields: object) -> Role:
    user = ines.clinicians.get()
    User.objects.filter(pk=user.pk).update(**fields)
    user.refresh_from_db()
    return Role(user, browser(user), sees=True, regularly=True)


def keyed(user: User, sees: bool) -> Role:
    client = Client(headers={"Authorization": f"Bearer {ApiToken.issue(user)}"}, raise_request_exception=False)
    return Role(user, client, sees=sees, regularly=sees, by_key=True)


def stranger(**fields: object) -> Role:
    user = person(5, **fields)
    return Role(user, browser(user))


def disabled(ines: Patient) -> Role:
    role = own(ines)
    User.objects.update(is_active=False)
    return Role(None, role.client)


def without_factor(ines: Patient) -> Role:
    user = User.objects.create_user("bare@clinic.test", PASSWORD, display_name="Dr Bare")
    ines.assign(user)
    return Role(user, browser(user), sees=True, regularly=True)


CAST: dict[str, Cast] = {
    "signed out": lambda ines: Role(None, Client(raise_request_exception=False)),
    "disabled": disabled,
    "own clinician": own,
    "own clinician who may erase": lambda ines: own(ines, may_erase=True),
    "own clinician without export": lambda ines: own(ines, may_export=False),
    "member of the team": lambda ines: in_team(ines, is_lead=False),
    "lead of the team": lambda ines: in_team(ines, is_lead=True),
    "in an emergency": lambda ines: in_emergency(ines, hours_ago=1),
    "after an emergency": lambda ines: in_emergency(ines, hours_ago=2.01),
    "another clinician": lambda ines: stranger(may_erase=True),
    "researcher": lambda ines: stranger(role=User.Role.RESEARCHER),
    "researcher without export": lambda ines: stranger(role=User.Role.RESEARCHER, may_export=False),
    "administrator": lambda ines: stranger(role=User.Role.ADMINISTRATOR, may_erase=True),
    "key of the own clinician": lambda ines: keyed(ines.clinicians.get(), sees=True),
    "key of another clinician": lambda ines: keyed(person(6), sees=False),
    "key of a researcher": lambda ines: keyed(person(8, role=User.Role.RESEARCHER), sees=False),
}


ONE_RIGHT = {
    "own clinician who may erase": Right.ERASE,
    "own clinician without export": Right.EXPORT,
    "researcher without export": Right.EXPORT,
}
"""Users who differ from another of the cast by one right. `make test` tries only what asks for it, `make test-full` everything."""

LIKE_ANOTHER = {"disabled", "member of the team", "after an emergency"}
"""Users who see what someone signed out, the lead or another clinician sees, or less; only `make test-full` tries every address."""

AT_THE_DOOR = {"signed out", "disabled", "own clinician", "administrator"}
"""Sign-in and account pages do not depend on roles: only these users try the pages of django-allauth."""


@pytest.fixture
def photo(ines: Patient) -> Photo:
    """Return a photo of Ines that came from a phone, is part of an import, and was read."""
    visit = make_visit(ines)
    batch = Import.objects.create(patient=visit.patient, created_by=visit.created_by)
    photo = make_photo(visit, phone_pairing=PhonePairing.make(visit, visit.created_by)[0], imported_in=batch)
    make_prediction(photo)
    drawn(photo)
    return photo


@pytest.fixture
def event(photo: Photo, ada: User) -> Event:
    """Return an event of Ines."""
    patient = photo.visit.patient
    return Event.objects.create(patient=patient, kind="note", label="Moved", starts_on=date(2026, 2, 3), created_by=ada)


@contextmanager
def rolled_back() -> Iterator[None]:
    """Roll back what a request changes."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def answer_to(role: Role, method: str, url: str) -> HttpResponseBase:
    """Return the response to one request, and roll back its changes, even a sign-out."""
    with rolled_back():
        cookies = role.client.cookies.output()
        answer: HttpResponseBase = getattr(role.client, method)(url)
        close_unread(answer)
        role.client.cookies.clear()
        role.client.cookies.load(cookies.replace("Set-Cookie: ", "").replace("\r\n", "; "))
    return answer


def text_of(answer: HttpResponseBase) -> str:
    """Return the text of a response that was not streamed."""
    return answer.content.decode(errors="replace") if isinstance(answer, HttpResponse) else ""


def outcome(answer: HttpResponseBase) -> str:
    """Return the outcome of a request: in, hidden, refused, door or fault."""
    if answer.status_code == 401 or answer.headers.get("Location", "").startswith(DOOR):
        return "door"
    return {404: "hidden", 403: "refused", 503: "in"}.get(answer.status_code, "in" if answer.status_code < 500 else "fault")


def expected(role: Role, rule: Rule, address: Address, method: str) -> str:
    """Return the expected outcome."""
    if rule.who is Who.NO_ONE:
        return "hidden"
    if rule.who is Who.ANYONE:
        return "in"
    if role.user is None or (role.by_key and not address.is_of_the_api):
        return "door"
    is_seen = role.regularly or (role.sees and not address.is_of_the_api)  # the API knows no emergency access
    if not rule.who.includes(role.user) or (address.names_a_patient and not is_seen):
        return "hidden"
    right = rule.right_for(method.upper())
    is_missing = right is not None and not right.belongs_to(role.user)
    is_refused = right is not None and address.names_a_patient and not role.regularly
    return "refused" if is_missing or is_refused else "in"


def is_as_expected(answer: HttpResponseBase, wanted: str, address: Address) -> bool:
    became = outcome(answer)
    if wanted == "hidden" and answer.status_code == 405:
        return True  # the method is refused before the row is looked up: nothing is revealed
    if address.rule.who is Who.ANYONE and became == "door":
        return True  # a later step of sign-in, opened directly, redirects to the first
    if address.view_name in WITHOUT_ANYTHING_TO_SHOW:
        return became in {wanted, "hidden"}
    return became == wanted


def test_every_address_has_a_rule_and_every_rule_an_address() -> None:
    without = [address.view_name for address in every_address() if address.found is None]
    assert without == []
    assert set(ALLAUTH) == {address.view_name for address in every_address() if address.is_from_allauth}


def test_every_operation_of_the_api_is_described_and_has_a_rule() -> None:
    assert len(described()) > 15
    of_the_api = {address.view_name for address in every_address() if address.is_of_the_api}
    assert set(methods_of_the_api()) == of_the_api - {"api:schema", "api:docs"}


def problems_of(role: Role, addresses: Iterable[Address], photo: Photo, event: Event) -> Iterator[str]:
    """Yield what is not as expected, an empty text for each request that is."""
    name = photo.visit.patient.name
    for address in addresses:
        for method in address.methods:
            wanted = expected(role, address.rule, address, method)
            answer = answer_to(role, method, address.url(photo, event))
            is_right = is_as_expected(answer, wanted, address)
            yield "" if is_right else f"{method} {address.view_name}: {answer.status_code}, expected {wanted}"
            if wanted != "in" and name in text_of(answer):
                yield f"{method} {address.view_name} tells the name"


@pytest.mark.slow("opens hundreds of addresses")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.full) if name in {*ONE_RIGHT, *LIKE_ANOTHER} else name for name in CAST]
)
def test_every_address_as(name: str, ines: Patient, photo: Photo, event: Event) -> None:
    addresses = [address for address in every_address() if name in AT_THE_DOOR or not address.is_at_the_door]
    problems = list(problems_of(CAST[name](ines), addresses, photo, event))
    assert [problem for problem in problems if problem] == []
    assert len(problems) > 120


@pytest.mark.parametrize("name", ONE_RIGHT)
def test_right_opens_and_closes_what_asks_for_it(name: str, ines: Patient, photo: Photo, event: Event) -> None:
    right = ONE_RIGHT[name]
    addresses = [address for address in every_address() if right in (address.rule.right, address.rule.right_to_change)]
    problems = list(problems_of(CAST[name](ines), addresses, photo, event))
    assert [problem for problem in problems if problem] == []
    assert problems


@pytest.mark.slow("opens hundreds of addresses")
def test_no_title_names_a_patient_or_a_day(ines: Patient, photo: Photo, event: Event) -> None:
    """The history of the browser keeps titles, and sign-out does not clear it."""
    role = own(ines, may_erase=True)
    ines.visits.update(date=date(2031, 1, 5))
    Event.objects.update(starts_on=date(2031, 1, 5))
    problems, titles = [], set()
    for address in every_address():
        page = text_of(answer_to(role, "get", address.url(photo, event)))
        title = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
        if address.names_a_patient and title:
            titles.add(title[1].strip())
            telling = (*ines.name.split(), ines.record_number, "2031", "Jan")
            problems += [f"{address.view_name}: {title[1].strip()}" for word in telling if word in title[1]]
    assert problems == []
    assert len(titles) > 12


@pytest.mark.slow("opens hundreds of addresses")
def test_without_a_second_factor_every_address_leads_to_enrolment(ines: Patient, photo: Photo, event: Event) -> None:
    role = without_factor(ines)
    problems = []
    for address in every_address():
        if address.rule.who in (Who.ANYONE, Who.NO_ONE) or address.view_name in OPEN_WITHOUT_FACTOR:
            continue
        answer = answer_to(role, "get", address.url(photo, event))
        if answer.status_code != 403 and answer.headers.get("Location") != "/accounts/2fa/":
            problems.append(f"{address.view_name}: {answer.status_code}")
    assert problems == []


@pytest.mark.slow("opens hundreds of addresses")
def test_every_page_about_a_patient_adds_an_entry(ines: Patient, photo: Photo, event: Event) -> None:
    role = own(ines, may_erase=True)
    problems = []
    for address in every_address():
        rule = address.rule
        if not address.names_a_patient:
            continue
        with rolled_back():
            before = AccessLog.objects.count()
            answer = role.client.get(address.url(photo, event))
            close_unread(answer)
            entries = [entry.action for entry in AccessLog.objects.filter(sequence__gt=before)]
        shown = answer.status_code == 200
        listed = [AccessLog.Action.LIST] if rule is MOVED else []
        if shown != (rule.reads is not None) or entries != ([rule.reads, *listed] if shown else []):
            problems.append(f"{address.view_name}: {answer.status_code}, {entries}")
    assert problems == []
