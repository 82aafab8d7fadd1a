"""Random requests to the API, valid and invalid by its description; random forms to the pages; random bytes as uploads.

None may cause a fault or a leak. `make test` tries a few cases of each kind, `make fuzz` as many as FUZZ says.
"""

import os
from datetime import date
from typing import Any

import pytest
import schemathesis
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import response_schema_conformance

from clinic.wsgi import application
from patients.models import ApiToken, Event, Import, PhonePairing, Photo, User, Visit
from patients.photos.codes import CODES
from tests.answers import close_unread, connection_kept
from tests.factories import make_patient, make_photo, make_prediction, make_visit, picture
from tests.hostile.heics import heic
from tests.trust.addresses import UNKNOWN_ID, Address, every_address

pytestmark = pytest.mark.django_db
CASES = int(os.environ.get("FUZZ", "2"))
SECRET = "Tom Foreignson"  # a patient of another clinician: no response may hold the name
MODES = list(schemathesis.GenerationMode)
fuzz = settings(
    max_examples=CASES,
    deadline=None,
    database=None,
    derandomize="FUZZ" not in os.environ,  # the same few in every `make test`, new ones in every `make fuzz`
    suppress_health_check=list(HealthCheck),
)


def operations() -> dict[str, Any]:  # Any: schemathesis's own
    """Return every operation of the API by its name."""
    schema = schemathesis.openapi.from_dict(SchemaGenerator().get_schema(request=None, public=True))  # type: ignore[no-untyped-call]
    schema.app = application
    return {each.ok().label: each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)}


OPERATIONS = operations()


@pytest.fixture
def photo(visit: Visit, bo: User) -> Photo:
    """Return a read photo of Ines, next to a patient of another clinician."""
    make_visit(make_patient(bo, name=SECRET), note=SECRET)
    batch = Import.objects.create(patient=visit.patient, created_by=visit.created_by)
    photo = make_photo(visit, phone_pairing=PhonePairing.make(visit, visit.created_by)[0], imported_in=batch)
    make_prediction(photo)
    return photo


@pytest.mark.parametrize("name", OPERATIONS)
def test_api_answers_random_requests(name: str, photo: Photo, ada: User, sent: list[str]) -> None:
    key = {"Authorization": f"Bearer {ApiToken.issue(ada)}"}
    operation = OPERATIONS[name]
    patient = photo.visit.patient
    event = Event.objects.create(patient=patient, kind="note", label="Moved", starts_on=date(2026, 2, 3), created_by=ada)
    own: dict[str, object] = {"patient": photo.visit.patient_id, "visit": photo.visit_id, "photo": photo.pk, "event": event.pk}
    own |= {"face": 0, "purpose": "care", "study": UNKNOWN_ID, "task": UNKNOWN_ID}

    @fuzz
    @given(case=st.one_of([operation.as_strategy(mode) for mode in MODES]), is_own=st.booleans())
    def ask(case: Any, is_own: bool) -> None:  # Any: schemathesis's own
        if is_own:
            case.path_parameters = {part: str(own[part]) for part in case.path_parameters or {}}
        with transaction.atomic(), connection_kept():
            answer = case.call(headers=key)
            transaction.set_rollback(True)
        checks = [not_a_server_error, response_schema_conformance] if answer.status_code < 300 else [not_a_server_error]
        case.validate_response(answer, checks=checks)
        assert SECRET.encode() not in answer.content

    ask()


FIELDS = (
    "name birth_date record_number date note next theme level purpose method given_on clinician team to role email display_name "
    "time_zone idle_minutes reason face label remark kind starts_on ends_on mood phq9 gad7 q show page photo visit patient a b "
    "a_from a_to b_from b_to path language seen keep_duplicate is_lead is_active login password code"
).split()
WORDS = st.text(max_size=40) | st.sampled_from(
    ["0", "-1", "9" * 30, "2026-02-30", "0001-01-01", "9999-12-31", "None", "\0", "x" * 5000]
)
OF_OURS = [each for each in every_address() if each.view_name.startswith("patients:") or each.view_name == "account_login"]


@pytest.mark.parametrize("address", OF_OURS, ids=lambda address: address.view_name)
def test_page_answers_random_forms(address: Address, photo: Photo, ada: User, sent: list[str]) -> None:
    patient = photo.visit.patient
    event = Event.objects.create(patient=patient, kind="note", label="Moved", starts_on=date(2026, 2, 3), created_by=ada)
    url = address.url(photo, event)
    client = Client()
    client.force_login(ada)

    @fuzz
    @given(fields=st.dictionaries(st.sampled_from(FIELDS), WORDS, max_size=8), is_post=st.booleans(), is_htmx=st.booleans())
    def ask(fields: dict[str, str], is_post: bool, is_htmx: bool) -> None:
        headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{url}"} if is_htmx else {}
        with transaction.atomic():
            answer = (client.post if is_post else client.get)(url, fields, headers=headers)
            close_unread(answer)
            transaction.set_rollback(True)
        assert answer.status_code < 500
        assert answer.streaming or SECRET not in answer.content.decode(errors="replace")

    ask()


SEEDS = [*(picture(160, 120, file_format=kind) for kind in ("JPEG", "PNG", "WEBP")), heic()]


@st.composite
def broken_files(draw: st.DrawFn) -> bytes:
    """Return a picture with bytes changed, removed, repeated or inserted."""
    content = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        change = draw(st.sampled_from(["set", "cut", "double", "insert"]))
        if change == "set" and content:
            content[at] = draw(st.integers(0, 255))
        elif change == "cut":
            del content[at : at + draw(st.integers(1, 400))]
        elif change == "double":
            content[at:at] = content[at : at + draw(st.integers(1, 400))]
        else:
            content[at:at] = draw(st.binary(max_size=64))
    return bytes(content)


def is_a_name(name: str) -> bool:
    """Whether Django's test client can send a file of that name."""
    return os.path.basename(name) not in {"", ".", ".."}  # as Django asks


def test_intake_answers_random_files(visit: Visit, ada: User, sent: list[str]) -> None:
    client = Client()
    client.force_login(ada)

    @settings(fuzz, max_examples=4 * CASES)
    @given(content=broken_files() | st.binary(max_size=300), name=st.text(max_size=30).filter(is_a_name))
    def send(content: bytes, name: str) -> None:
        file = SimpleUploadedFile(name, content)
        with transaction.atomic():
            answer = client.post(f"/visits/{visit.pk}/photos/", {"photos": file}, headers={"Accept": "application/json"})
            transaction.set_rollback(True)
        assert answer.status_code in {
            201,
            400,
            409,
            413,
            422,
        }  # 400: Django drops a file whose name is only a path, so none arrives
        assert answer.status_code == 201 or answer.json()["code"] in CODES

    send()
