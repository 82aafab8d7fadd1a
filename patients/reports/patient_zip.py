"""Everything that is stored about one patient, as a ZIP built while it is sent. Nothing is written to disk."""

import json
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from typing import IO, cast

from django.db.models import Prefetch
from django.http import StreamingHttpResponse
from django.utils import timezone

from inference.models import Prediction
from ml.serve.expressions import EXPRESSIONS
from patients.models import (
    AccessLog,
    BreakGlass,
    Consent,
    Draft,
    ErasureRequest,
    Event,
    Import,
    OwnLabel,
    Participation,
    Patient,
    PhonePairing,
    Photo,
    Team,
    User,
    Visit,
)
from patients.photos.files import read_stored

Facts = dict[str, object]

READ_ME = """What Affectline stores about one patient, on {at}.

record.json    the patient, who looks after them, visits with notes and self-reports, photos with every reading, phones that
               were handed a visit, events, consents with their words (empty where they were not kept), studies,
               emergency accesses with their reason, requests to erase, drafts that wait to be saved
access.json    who did what with these data and when; people are named by their number in this installation
photos/        ID.jpg the photo as it is stored, ID-MODEL.png the very picture that model saw, ID-MODEL-map.png what moved it
missing.txt    only where there is one: the photos whose file could not be read when this was made

A reading says which expressions a face resembles, with shares that sum to 1. It is not a diagnosis.
"""


class _Buffer:
    """A file for ZipFile that keeps what was written until `take` fetches it."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def write(self, content: bytes) -> int:
        self._waiting.append(bytes(content))
        return len(content)

    def flush(self) -> None:
        """Do nothing: `take` fetches everything."""

    def take(self) -> Iterator[bytes]:
        """Yield what was written since the last call."""
        yield from self._waiting
        self._waiting.clear()


def zip_response(patient: Patient) -> StreamingHttpResponse:
    """Return the download. Its file name holds the id of the patient, not the name."""
    response = StreamingHttpResponse(zip_chunks(patient), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="affectline-{patient.pk}.zip"'
    return response


def zip_chunks(patient: Patient) -> Iterator[bytes]:
    """Yield the bytes of the archive, one photo in memory at a time."""
    buffer = _Buffer()
    with zipfile.ZipFile(cast(IO[bytes], buffer), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", READ_ME.format(at=timezone.localtime().isoformat(timespec="minutes")))
        archive.writestr("record.json", _as_json(record_of(patient)))
        yield from buffer.take()
        with archive.open("access.json", "w") as file:
            for k, entry in enumerate(AccessLog.objects.about(patient).iterator()):
                file.write(f"{',' if k else '['}\n{_as_json(entry_facts(entry))}".encode())
                yield from buffer.take()
            file.write(b"[]" if not AccessLog.objects.about(patient).exists() else b"\n]")
        yield from buffer.take()
        missing = []
        for photo in Photo.objects.filter(visit__patient=patient).prefetch_related("predictions").iterator(chunk_size=20):
            for name, content in _pictures(photo):
                if content is None:
                    missing.append(name)
                    continue
                archive.writestr(name, content, compress_type=zipfile.ZIP_STORED)
                yield from buffer.take()
        if missing:
            archive.writestr("missing.txt", "\n".join(missing) + "\n")
    yield from buffer.take()


def record_of(patient: Patient) -> Facts:
    """Return everything about the patient except pictures and log entries, ready for JSON."""
    readings = Prefetch("predictions", Prediction.objects.defer("input_png", "explanation_png"))  # pictures are files of their own
    photos = Photo.objects.select_related("uploaded_by", "excluded_by").prefetch_related(readings, "own_labels__clinician")
    visits = patient.visits.select_related("self_report", "created_by")
    visits = visits.prefetch_related(Prefetch("photos", photos), "phone_pairings__clinician")
    return {
        "id": patient.pk,
        "name": patient.name,
        "record_number": patient.record_number,
        "birth_date": patient.birth_date,
        "sex": patient.sex,
        "created_at": patient.created_at,
        "clinicians": [each.display_name for each in patient.clinicians.order_by("display_name")],
        "care_teams": [team_facts(team) for team in patient.teams.prefetch_related("members").order_by("name")],
        "consents": [consent_facts(consent) for consent in patient.consents.select_related("recorded_by", "withdrawn_by")],
        "events": [event_facts(event) for event in patient.events.select_related("created_by")],
        "emergency_accesses": [
            break_glass_facts(access) for access in patient.break_glasses.select_related("clinician", "reviewed_by")
        ],
        "erasure_requests": [erasure_facts(request) for request in patient.erasure_requests.select_related("asked_by")],
        "imports": [import_facts(batch) for batch in patient.imports.select_related("created_by").prefetch_related("failures")],
        "studies": [study_facts(each) for each in patient.participations.select_related("study", "arm", "enrolled_by")],
        "drafts": [draft_facts(draft) for draft in patient.drafts.select_related("clinician")],
        "visits": [visit_facts(visit) for visit in visits],
    }


def visit_facts(visit: Visit) -> Facts:
    """Return one visit with its photos."""
    report = getattr(visit, "self_report", None)  # a missing one-to-one raises
    scales = {name: getattr(report, name) for name in ("mood", "phq9", "gad7", "saved_at")} if report else None
    return {
        "id": visit.pk,
        "date": visit.date,
        "note": visit.note,
        "is_baseline": visit.is_baseline,
        "import": visit.imported_in_id,
        "created_by": _name_of(visit.created_by),
        "created_at": visit.created_at,
        "self_report": scales,
        "photos": [photo_facts(photo) for photo in visit.photos.all()],
        "phones": [phone_facts(phone_pairing) for phone_pairing in visit.phone_pairings.all()],
    }


def photo_facts(photo: Photo) -> Facts:
    """Return what is known of one photo and every reading of it."""
    names = (
        "id",
        "width",
        "height",
        "original_name",
        "taken_at",
        "date_kept_at",
        "uploaded_at",
        "excluded_at",
        "excluded_reason",
        "dismissed_at",
        "note",
    )
    readings = [reading_facts(prediction) for prediction in photo.predictions.all()]
    labels = [label_facts(label) for label in photo.own_labels.all()]
    rest = {"is_erased": photo.is_erased, "readings": readings, "own_labels": labels}
    who = {
        "uploaded_by": _name_of(photo.uploaded_by),
        "phone": photo.phone_pairing_id,
        "import": photo.imported_in_id,
        "excluded_by": _name_of(photo.excluded_by),
    }
    return {name: getattr(photo, name) for name in names} | who | rest


def import_facts(batch: Import) -> Facts:
    """Return one import, with the files that could not be added. Photos and visits refer to its id."""
    names = ("id", "created_at", "name", "asked", "finished_at", "undone_at")
    of_failure = ("file_name", "day", "code", "detail", "acknowledged_at")
    failures = [{name: getattr(failure, name) for name in of_failure} for failure in batch.failures.all()]
    return {name: getattr(batch, name) for name in names} | {"created_by": _name_of(batch.created_by), "failures": failures}


def phone_facts(phone_pairing: PhonePairing) -> Facts:
    """Return one phone that was paired with the visit, and by whom. Photos refer to its id."""
    names = ("id", "made_at", "opened_at", "expires_at", "closed_at")
    return {name: getattr(phone_pairing, name) for name in names} | {"clinician": _name_of(phone_pairing.clinician)}


def label_facts(label: OwnLabel) -> Facts:
    """Return the label of one clinician."""
    names = ("label", "remark", "given_at")
    return {name: getattr(label, name) for name in names} | {"clinician": label.clinician.display_name}


def reading_facts(prediction: Prediction) -> Facts:
    """Return the reading of one model version."""
    names = (
        "model_version",
        "state",
        "reason",
        "requested_at",
        "finished_at",
        "faces",
        "chosen_face",
        "quality",
        "abstained",
        "explanation_drop",
    )
    heads = {"shares": prediction.probabilities, "fer2013": prediction.fer2013_probabilities}
    shares = {name: dict(zip(EXPRESSIONS, each, strict=True)) if each else None for name, each in heads.items()}
    return {name: getattr(prediction, name) for name in names} | shares | {"valence_index": prediction.valence}


def event_facts(event: Event) -> Facts:
    """Return one event."""
    names = ("kind", "label", "starts_on", "ends_on", "goes_on", "created_at")
    return {name: getattr(event, name) for name in names} | {"created_by": _name_of(event.created_by)}


def draft_facts(draft: Draft) -> Facts:
    """Return a draft about the patient that is not saved yet."""
    return {
        "clinician": _name_of(draft.clinician),
        "path": draft.path,
        "saved_at": draft.saved_at,
        "fields": json.loads(draft.fields),
    }


def consent_facts(consent: Consent) -> Facts:
    """Return one consent and its withdrawal."""
    names = ("purpose", "text_version", "words", "method", "given_on", "recorded_at", "withdrawn_at", "replaced_at")
    who = {"recorded_by": _name_of(consent.recorded_by), "withdrawn_by": _name_of(consent.withdrawn_by)}
    return {name: getattr(consent, name) for name in names} | who


def study_facts(participation: Participation) -> Facts:
    """Return how the patient takes part in one study."""
    names = ("number", "joined_on", "left_on", "withdrawn_at")
    where = {
        "study": participation.study.name,
        "ethics_reference": participation.study.ethics_reference,
        "arm": participation.arm.name,
    }
    facts = {name: getattr(participation, name) for name in names}
    return where | facts | {"enrolled_by": _name_of(participation.enrolled_by)}


def team_facts(team: Team) -> Facts:
    """Return one team that looks after the patient, with its members of today."""
    return {"name": team.name, "members": sorted(member.display_name for member in team.members.all())}


def break_glass_facts(access: BreakGlass) -> Facts:
    """Return one emergency access: who, when and why, and who reviewed it."""
    names = ("id", "opened_at", "ends_at", "reason", "reviewed_at")
    who = {"clinician": _name_of(access.clinician), "reviewed_by": _name_of(access.reviewed_by)}
    return {name: getattr(access, name) for name in names} | who


def erasure_facts(request: ErasureRequest) -> Facts:
    """Return one request to erase, and its state."""
    names = ("id", "level", "cause", "state", "asked_at", "due_at", "done_at", "photos_erased")
    return {name: getattr(request, name) for name in names} | {"asked_by": _name_of(request.asked_by)}


def entry_facts(entry: AccessLog) -> Facts:
    """Return one entry of the access log."""
    names = ("sequence", "at", "action", "actor_id", "object_kind", "object_id", "detail")
    return {name: getattr(entry, name) for name in names}


def _name_of(user: User | None) -> str | None:
    return user.display_name if user else None


def _pictures(photo: Photo) -> Iterator[tuple[str, bytes | None]]:
    """Yield names and contents. The content is None if the file is lost or was erased a moment ago: the rest is still exported."""
    if photo.image:
        yield f"photos/{photo.pk}.jpg", read_stored(photo.image)
    for prediction in photo.predictions.all():
        version = "".join(letter for letter in prediction.model_version if letter.isalnum() or letter in ".-")
        for kind, picture in (("", prediction.input_png), ("-map", prediction.explanation_png)):
            if picture:
                yield f"photos/{photo.pk}-{version}{kind}.png", bytes(picture)


def _as_json(facts: object) -> str:
    return json.dumps(facts, indent=2, ensure_ascii=False, default=_as_text)


def _as_text(value: object) -> str:
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, date) else str(value)
