"""Bundles of FHIR R4: valid, complete in themselves, and readable here as literals."""

import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.conf import LazySettings
from fhir.resources.R4B.bundle import Bundle

from ml.serve.card import load_card
from patients.models import Consent, Patient, SelfReport, User, Visit
from patients.reports.fhir.bundle import bundle_lines, resources
from patients.reports.fhir.codes import OURS
from patients.reports.scope import Scope
from patients.timeline.summaries import refresh
from tests.factories import make_patient, make_photo, make_prediction, make_visit, probabilities_of
from tests.hostile.texts import HARMFUL

PATIENT = UUID("11111111-1111-4111-8111-111111111111")
VISIT = UUID("22222222-2222-4222-8222-222222222222")
PHOTO = UUID("33333333-3333-4333-8333-333333333333")
HL7 = "http://terminology.hl7.org/CodeSystem"
Found = dict[str, Any]  # Any: JSON


def bundle(patient: Patient, asked_by: User, visit: Visit | None = None) -> Found:
    text = "".join(bundle_lines(resources(Scope([patient], visit), asked_by)))
    Bundle.model_validate_json(text)
    found: Found = json.loads(text)
    return found


def of_kind(found: Found, kind: str) -> list[Found]:
    return [entry["resource"] for entry in found["entry"] if entry["resource"]["resourceType"] == kind]


def observation(found: Found, code: str) -> Found:
    (only,) = [each for each in of_kind(found, "Observation") if each["code"]["coding"][0]["code"] == code]
    return only


def values(resource: Found) -> dict[str, object]:
    """Return the value of each component by its code: a truth, or a number with its unit in UCUM."""
    return {
        each["code"]["coding"][0]["code"]: each["valueBoolean"]
        if "valueBoolean" in each
        else (each["valueQuantity"]["value"], each["valueQuantity"]["code"])
        for each in resource["component"]
    }


@pytest.fixture
def known(ada: User) -> Visit:
    """Return a visit whose ids are known, with one photo that was read and a self-report."""
    patient = Patient.objects.create(
        pk=PATIENT, name="Ines Moreau", record_number="R-77", birth_date=date(1991, 2, 14), sex="female"
    )
    patient.assign(ada)
    visit = Visit.objects.create(pk=VISIT, patient=patient, date=date(2026, 3, 2), created_by=ada)
    photo = make_photo(visit, pk=PHOTO, taken_at=datetime(2026, 3, 2, 9, 46, tzinfo=UTC))
    make_prediction(photo, probabilities=probabilities_of(sad=0.5, fear=0.25))
    SelfReport.objects.create(visit=visit, phq9=12, saved_at=datetime(2026, 3, 2, 10, tzinfo=UTC))
    return visit


def test_patient_and_visit_read_like_this(known: Visit, ada: User, settings: LazySettings) -> None:
    settings.RECORD_NUMBER_SYSTEM = "urn:oid:1.2.3.4"
    found = bundle(known.patient, ada)
    assert of_kind(found, "Patient") == [
        {
            "resourceType": "Patient",
            "id": "11111111-1111-4111-8111-111111111111",
            "identifier": [
                {
                    "use": "usual",
                    "type": {"coding": [{"system": f"{HL7}/v2-0203", "code": "MR", "display": "Medical record number"}]},
                    "system": "urn:oid:1.2.3.4",
                    "value": "R-77",
                }
            ],
            "name": [{"use": "official", "text": "Ines Moreau"}],
            "gender": "female",
            "birthDate": "1991-02-14",
        }
    ]
    assert of_kind(found, "Encounter") == [
        {
            "resourceType": "Encounter",
            "id": "22222222-2222-4222-8222-222222222222",
            "status": "finished",
            "class": {"system": f"{HL7}/v3-ActCode", "code": "AMB", "display": "ambulatory"},
            "subject": {"reference": "urn:uuid:11111111-1111-4111-8111-111111111111"},
            "period": {"start": "2026-03-02", "end": "2026-03-02"},
        }
    ]


def test_photo_and_self_report_read_like_this(known: Visit, ada: User) -> None:
    found = bundle(known.patient, ada)
    photo = observation(found, "facial_expressions_of_photo")
    device = photo.pop("device")["reference"]
    components = values(photo)
    del photo["component"]
    assert photo == {
        "resourceType": "Observation",
        "id": "33333333-3333-4333-8333-333333333333",
        "meta": {
            "security": [{"system": f"{HL7}/v3-ObservationValue", "code": "AIAST", "display": "Artificial Intelligence asserted"}]
        },
        "status": "final",
        "code": {"coding": [{"system": OURS, "code": "facial_expressions_of_photo", "display": "Facial expressions in a photo"}]},
        "subject": {"reference": "urn:uuid:11111111-1111-4111-8111-111111111111"},
        "encounter": {"reference": "urn:uuid:22222222-2222-4222-8222-222222222222"},
        "effectiveDateTime": "2026-03-02T09:46:00+00:00",
    }
    shares = {"angry": 0.0, "disgust": 0.0, "fear": 0.25, "happy": 0.0, "sad": 0.5, "surprise": 0.0, "neutral": 0.25}
    assert components == {
        "used": True,
        "excluded": False,
        "too_close_to_call": False,
        "faces_found": (1, "{face}"),
        "detector_score": (0.9, "1"),
        **{name: (share, "1") for name, share in shares.items()},
        "valence_index": (-0.75, "1"),
    }
    (phq9,) = [each for each in of_kind(found, "Observation") if "valueQuantity" in each]
    assert phq9["code"]["coding"][0]["system"] == "http://loinc.org"
    assert (phq9["code"]["coding"][0]["code"], phq9["effectiveDateTime"]) == ("44261-6", "2026-03-02")
    assert phq9["valueQuantity"] == {"value": 12, "unit": "score", "system": "http://unitsofmeasure.org", "code": "{score}"}
    assert device == f"urn:uuid:{of_kind(found, 'Device')[0]['id']}"


def test_means_of_a_visit_have_the_intervals_of_the_visit_table(visit: Visit, ada: User) -> None:
    for happy in (0.5, 0.6, 0.7):
        make_prediction(make_photo(visit), probabilities=probabilities_of(happy=happy))
    make_prediction(make_photo(visit), "rejected", reason="too_dark")
    found = bundle(visit.patient, ada, visit)
    summary = observation(found, "facial_expressions")
    shown = values(summary)
    assert {
        name: shown[name] for name in ("photos", "photos_used", "photos_unusable", "happy", "valence_index", "is_baseline")
    } == {
        "photos": (4, "{photo}"),
        "photos_used": (3, "{photo}"),
        "photos_unusable": (1, "{photo}"),
        "happy": (0.6, "1"),
        "valence_index": (0.6, "1"),
        "is_baseline": False,
    }
    low, high = shown["happy_low"], shown["happy_high"]
    assert 0.4 < low[0] < 0.6 < high[0] < 0.8  # type: ignore[index]  # numbers with their units
    assert {each["reference"] for each in summary["hasMember"]} == {
        f"urn:uuid:{each['id']}" for each in of_kind(found, "Observation") if each is not summary
    } - {f"urn:uuid:{summary['id']}"}


@pytest.mark.parametrize(
    ("state", "reason", "status", "codes"),
    [
        ("queued", "", "registered", ["temp-unknown", "queued"]),
        ("running", "", "registered", ["temp-unknown", "running"]),
        ("choose_face", "", "final", ["temp-unknown", "choose_face"]),
        ("no_face", "", "final", ["not-performed", "no_face"]),
        ("rejected", "too_blurred", "final", ["not-performed", "too_blurred"]),
        ("rejected", "no_consent", "final", ["not-permitted", "no_consent"]),
        ("failed", "timed_out", "final", ["error", "timed_out"]),
        ("failed", "of another version", "final", ["error", "failed"]),
    ],
)
def test_photo_without_a_reading_says_why(visit: Visit, ada: User, state: str, reason: str, status: str, codes: list[str]) -> None:
    make_prediction(make_photo(visit), state, reason=reason)
    found = bundle(visit.patient, ada)
    photo = observation(found, "facial_expressions_of_photo")
    assert (photo["status"], [each["code"] for each in photo["dataAbsentReason"]["coding"]]) == (status, codes)
    assert not {"happy", "valence_index"} & set(values(photo))
    absent = observation(found, "facial_expressions")["dataAbsentReason"]["coding"]
    assert [each["code"] for each in absent] == ["temp-unknown" if status == "registered" else "not-performed"]


def test_photo_that_was_never_asked_for_is_registered(visit: Visit, ada: User) -> None:
    make_photo(visit)
    photo = observation(bundle(visit.patient, ada), "facial_expressions_of_photo")
    assert (photo["status"], photo["dataAbsentReason"]["coding"][1]["code"]) == ("registered", "queued")


def test_bundle_is_complete_in_itself(known: Visit, ada: User) -> None:
    Consent.give(known.patient, "care", ada, on=date(2026, 1, 5), words="I agree.")
    found = bundle(known.patient, ada)
    addresses = [entry["fullUrl"] for entry in found["entry"]]
    assert len(set(addresses)) == len(addresses)
    assert set(_each(found, "reference")) <= set(addresses)
    (system,) = of_kind(found, "CodeSystem")
    defined = [concept["code"] for concept in system["concept"]]
    assert len(set(defined)) == len(defined) == system["count"]
    used = {each["code"] for each in _each(found, "coding") if each["system"] == OURS}
    assert used <= set(defined)


def test_label_of_ai_is_on_what_the_model_says_and_nowhere_else(known: Visit, ada: User) -> None:
    found = bundle(known.patient, ada)
    labelled = [each["code"]["coding"][0]["code"] for each in of_kind(found, "Observation") if "meta" in each]
    assert sorted(labelled) == ["facial_expressions", "facial_expressions_of_photo"]
    assert json.dumps(found).count("AIAST") == 2


def test_device_names_version_and_hashes_of_the_installed_model(visit: Visit, ada: User, settings: LazySettings) -> None:
    card = load_card(settings.MODEL_DIR)
    make_prediction(make_photo(visit), model_version=card.version)
    make_prediction(make_photo(visit), model_version="0.0.1")
    found = bundle(visit.patient, ada)
    versions = [[each["value"] for each in device["version"]] for device in of_kind(found, "Device")]
    assert sorted(versions) == [["0.0.1"], [card.version, card.keras_sha256, card.onnx_sha256]]
    assert "device" not in observation(found, "facial_expressions")  # it has room for one
    origin, _export = of_kind(found, "Provenance")
    assert len(origin["agent"]) == 2


def test_export_says_who_asked_for_it_and_when(known: Visit, ada: User) -> None:
    with time_machine.travel("2026-11-29T12:00:00Z", tick=False):
        export = of_kind(bundle(known.patient, ada), "Provenance")[-1]
    assert [each["who"]["display"] for each in export["agent"]] == ["Dr Ada Lind", "Affectline"]
    assert export["recorded"] == "2026-11-29T12:00:00+00:00"
    assert export["target"] == [{"reference": f"urn:uuid:{each}"} for each in (PATIENT, VISIT)]


def test_consents_say_purpose_wording_and_end(ada: User) -> None:
    patient = make_patient(ada, consents=())
    ended = Consent.give(patient, "research", ada, on=date(2026, 1, 5), text_version="2", words="I agree.\x0b")
    ended.end(ada)
    Consent.give(patient, "care", ada, on=date(2026, 1, 6), text_version="")
    research, care = of_kind(bundle(patient, ada), "Consent")
    assert (research["status"], research["scope"]["coding"][0]["code"]) == ("inactive", "research")
    assert research["sourceAttachment"] == {"contentType": "text/plain; charset=utf-8", "data": "SSBhZ3JlZS4=", "title": "2"}
    assert research["provision"]["period"]["end"]
    assert (care["status"], care["provision"]["period"]) == ("active", {"start": "2026-01-06"})
    assert "sourceAttachment" not in care
    assert "text" not in care["policyRule"]


def test_one_visit_leaves_the_others_out(ines: Patient, ada: User) -> None:
    wanted, other = make_visit(ines, date(2026, 3, 2)), make_visit(ines, date(2026, 3, 9))
    for visit in (wanted, other):
        make_prediction(make_photo(visit))
    found = bundle(ines, ada, wanted)
    assert [each["id"] for each in of_kind(found, "Encounter")] == [str(wanted.pk)]
    assert str(other.pk) not in json.dumps(found)


def test_number_of_queries_does_not_grow_with_visits(ines: Patient, ada: User, django_assert_num_queries: Any) -> None:
    refresh([ines.pk])  # a new patient is computed as a whole
    for week in range(5):
        make_prediction(make_photo(make_visit(ines, date(2026, 3, 2 + week))))
    with django_assert_num_queries(7):  # consents, visits twice, photos, photos with readings, visits, self-reports
        list(resources(Scope([ines]), ada))


@pytest.mark.parametrize("text", HARMFUL)
def test_harmful_text_arrives_as_text(known: Visit, ada: User, text: str) -> None:
    known.patient.name = f"Ines {text}"
    known.patient.save()
    known.photos.get().exclude(text)
    found = bundle(known.patient, ada)
    (patient,) = of_kind(found, "Patient")
    said = [patient["name"][0]["text"], *(each["text"] for each in _each(found, "note"))]
    for each in said:
        assert not [letter for letter in each if letter < " " and letter not in "\t\n"]
        assert not {"\u202e", "\x7f"} & set(each)
    visible = [letter for letter in text if letter.isprintable() and not letter.isspace()]
    assert [letter for letter in said[0] if letter.isprintable() and not letter.isspace()] == [*"Ines", *visible]
    assert len(of_kind(found, "Patient")) == 1


def _each(found: object, name: str) -> list[Any]:  # Any: JSON
    """Return every value under this name, at any depth; lists in their parts."""
    if isinstance(found, list):
        return [each for part in found for each in _each(part, name)]
    if not isinstance(found, dict):
        return []
    own = found.get(name, [])
    return [*(own if isinstance(own, list) else [own]), *(each for part in found.values() for each in _each(part, name))]
