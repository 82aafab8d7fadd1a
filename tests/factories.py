"""Makers of users, patients and their rows."""

import io
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import count

# allauth has no public way to set up an authenticator app, or to ask for its code.
from allauth.mfa.totp.internal import auth as totp
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image

from inference.models import Prediction
from ml.serve.expressions import EXPRESSIONS
from patients.models import Arm, CareRequest, Consent, Notice, Participation, Patient, Photo, Study, StudyMember, Task, User, Visit

PASSWORD = "correct horse battery"  # signs in to databases that live for one test
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # for the same reason
_numbers = count(1)


def make_clinician(name: str = "Dr Ada Lind", email: str = "ada@clinic.test", **fields: object) -> User:
    """Return a clinician who signs in with PASSWORD and a one-time code, and by default may export."""
    user = User.objects.create_user(email, PASSWORD, display_name=name, **{"may_export": True, **fields})
    totp.TOTP.activate(user, TOTP_SECRET)
    return user


def prove(client: Client) -> Client:
    """Return the browser, whose user has just given the password again."""
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def one_time_code(secret: str = TOTP_SECRET) -> str:
    """Return the current one-time code, by default that of any clinician of the tests."""
    return str(totp.format_hotp_value(totp.hotp_value(secret, next(totp.yield_hotp_counters_from_time()))))


def make_patient(
    *clinicians: User,
    name: str = "Ines Moreau",
    birth_date: date = date(1991, 2, 14),
    consents: Iterable[str] = (Consent.Purpose.CARE,),
    record_number: str = "",
) -> Patient:
    """Return a patient assigned to `clinicians`, with a consent to care."""
    number = record_number or f"R-{next(_numbers):06}"
    patient = Patient.objects.create(name=name, record_number=number, birth_date=birth_date)
    for clinician in clinicians:
        patient.assign(clinician)
    for purpose in consents if clinicians else ():
        Consent.give(patient, purpose, clinicians[0], on=date(2025, 3, 4))
    return patient


def make_visit(patient: Patient, day: date = date(2026, 11, 20), **fields: object) -> Visit:
    """Return a visit, created by the patient's first clinician."""
    return Visit.objects.create(patient=patient, date=day, created_by=patient.clinicians.all()[0], **fields)


def picture(
    width: int = 64, height: int = 48, colour: str = "teal", file_format: str = "JPEG", mode: str = "RGB", **options: object
) -> bytes:
    """Return a drawn picture as file bytes: one colour with a brighter top left corner, which makes a rotation visible."""
    image = Image.new(mode, (width, height), colour)
    image.paste("white", (0, 0, max(1, width // 4), max(1, height // 4)))
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def upload(content: bytes | None = None, name: str = "IMG_0001.jpg") -> SimpleUploadedFile:
    """Return a file as a form uploads it."""
    return SimpleUploadedFile(name, picture() if content is None else content)


def make_photo(visit: Visit, uploaded_at: datetime | None = None, **fields: object) -> Photo:
    """Return a photo with files, without a prediction."""
    jpeg = picture()
    photo = Photo(
        visit=visit,
        width=64,
        height=48,
        fingerprint=f"{next(_numbers):064}",
        uploaded_by=visit.created_by,
        uploaded_at=uploaded_at or timezone.now(),
        **fields,
    )
    photo.image.save("image", ContentFile(jpeg), save=False)
    photo.preview.save("preview", ContentFile(jpeg), save=False)
    photo.save()
    return photo


def probabilities_of(**named: float) -> dict[str, float]:
    """Return seven probabilities: those named, and the rest as neutral."""
    values = dict.fromkeys(EXPRESSIONS, 0.0) | named
    values["neutral"] = 1.0 - sum(named.values()) if "neutral" not in named else named["neutral"]
    return values


def make_prediction(
    photo: Photo,
    state: str = Prediction.State.DONE,
    probabilities: dict[str, float] | None = None,
    model_version: str = "1.0.0",
    **fields: object,
) -> Prediction:
    """Return a prediction of `photo`. A DONE one is by default happy 0.6, neutral 0.4."""
    if state == Prediction.State.DONE:
        fields = {
            "faces": [{"box": {"left": 8, "top": 6, "width": 24, "height": 30}, "detector_score": 0.9, "roll_degrees": 0.0}],
            "chosen_face": 0,
            "input_png": picture(48, 48, "grey", "PNG", mode="L"),
            "finished_at": timezone.now(),
            **(probabilities or probabilities_of(happy=0.6)),
            **fields,
        }
    return Prediction.objects.create(photo=photo, state=state, model_version=model_version, **fields)


def make_read_visits(patient: Patient, days: int, photos_each: int = 3, first: date = date(2026, 1, 5)) -> list[Visit]:
    """Return `days` weekly visits with `photos_each` read photos."""
    visits = [make_visit(patient, first + timedelta(weeks=week)) for week in range(days)]
    for visit in visits:
        for _ in range(photos_each):
            make_prediction(make_photo(visit))
    return visits


def make_study(lead: User, *patients: Patient, arms: Iterable[str] = ("treatment",), **fields: object) -> Study:
    """Return a study of 2026 with every field and an ethics reference; `patients` take part, spread over the arms in turn."""
    given = {"name": f"Study {next(_numbers)}", "ethics_reference": "EC 2026/1", "fields": Study.Field.values, **fields}
    study = Study.objects.create(lead=lead, starts_on=date(2026, 1, 1), **given)
    StudyMember.objects.create(study=study, person=lead, may_export=True, may_change=True)
    made = [Arm.objects.create(study=study, name=name, position=k) for k, name in enumerate(arms)]
    for k, patient in enumerate(patients):
        Participation.objects.create(
            study=study,
            patient=patient,
            arm=made[k % len(made)],
            number=study.number_of(patient),
            joined_on=date(2026, 1, 1),
            enrolled_by=lead,
        )
    return study


def make_finished_task(owner: User, patient: Patient, content: str, file_name: str) -> Task:
    """Return a task about the patient that has left a file."""
    task = Task.objects.create(kind="report", owner=owner, options={"patient": str(patient.pk)}, state="running", attempts=1)
    task.patients.add(patient)
    task.finish(content.encode(), file_name, "application/pdf", "0" * 64)
    return task


def make_care_request(clinician: User, patient: Patient) -> CareRequest:
    """Return a request about responsibility for the patient, of which the clinician has a notice."""
    asked = CareRequest.objects.create(kind="responsible", asked_by=clinician, to=clinician, patient=patient)
    Notice.objects.create(person=clinician, kind="asked", by=clinician, patient=patient, care_request=asked)
    return asked
