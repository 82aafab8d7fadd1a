"""What an address names, if the signed-in user may see it. Anything else is a 404."""

from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.shortcuts import get_object_or_404

from inference.models import Prediction
from patients.audit.outcome import found
from patients.care.banner import keep_care_facts, with_care_facts
from patients.models import Event, Import, OwnLabel, Patient, PhonePairing, Photo, Study, Team, User, Visit
from patients.models.photo import PhotoQuerySet
from patients.models.study import Right as StudyRight
from patients.readings.label_card import with_label_count
from patients.views.requests import ClinicianRequest


def find_patient(request: ClinicianRequest, patient_id: UUID) -> Patient:
    """Return the patient, with what the banner says, if the clinician may see them, else 404."""
    return found(request, get_object_or_404(with_care_facts(Patient.objects.sought_by(request.user)), pk=patient_id))


def find_visit(request: ClinicianRequest, visit_id: UUID) -> Visit:
    """Return the visit, with its self-report and what the banner says, if the clinician may see it, else 404."""
    visits = Visit.objects.sought_by(request.user).select_related("patient", "created_by", "self_report")
    paired = PhonePairing.objects.going_on().filter(visit=OuterRef("pk"), clinician=request.user)
    rows = with_care_facts(visits.annotate(is_paired=Exists(paired)), "patient")
    visit = found(request, get_object_or_404(rows, pk=visit_id))
    keep_care_facts(visit, visit.patient)
    return visit


def find_import(request: ClinicianRequest, import_id: UUID) -> Import:
    """Return the import if the clinician may see its patient, else 404."""
    imports = Import.objects.sought_by(request.user).select_related("patient", "created_by")
    return found(request, get_object_or_404(imports, pk=import_id))


def find_event(request: ClinicianRequest, event_id: UUID) -> Event:
    """Return the event if the clinician may see its patient, else 404."""
    events = Event.objects.sought_by(request.user).select_related("patient")
    return found(request, get_object_or_404(events, pk=event_id))


def readable_photos(user: User) -> PhotoQuerySet:
    """Return the user's photos with patient, predictions and the user's own labels; the bytes of pictures stay in the database."""
    light = Prediction.objects.order_by("-requested_at").defer("input_png", "explanation_png")
    photos = Photo.objects.sought_by(user).select_related("visit__patient", "uploaded_by", "excluded_by")
    own = OwnLabel.objects.filter(clinician=user)  # the labels of colleagues must not bias a clinician
    return photos.prefetch_related(Prefetch("predictions", light), Prefetch("own_labels", own))


def photos_of(request: ClinicianRequest, visit: Visit) -> PhotoQuerySet:
    """Return the photos of a visit that the clinician may see, with all that their cards show."""
    return readable_photos(request.user).filter(visit=visit)


def find_photo(request: ClinicianRequest, photo_id: UUID) -> Photo:
    """Return the photo, with all that its card shows, if the clinician may see it, else 404."""
    photos = with_care_facts(with_label_count(readable_photos(request.user)), "visit__patient")
    photo = found(request, get_object_or_404(photos, pk=photo_id))
    keep_care_facts(photo, photo.visit.patient)
    return photo


def find_bare_photo(request: ClinicianRequest, photo_id: UUID) -> Photo:
    """Return the photo and its visit if the clinician may see it, else 404. One query, for an answer that is a picture."""
    return found(request, get_object_or_404(Photo.objects.sought_by(request.user).select_related("visit"), pk=photo_id))


def find_phone_pairing(request: ClinicianRequest, phone_pairing_id: UUID) -> PhonePairing:
    """Return one of the clinician's own pairings of a visit they may see, else 404."""
    visits = Visit.objects.sought_by(request.user)
    own = PhonePairing.objects.filter(clinician=request.user, visit__in=visits).select_related("visit__patient")
    return found(request, get_object_or_404(own, pk=phone_pairing_id))


def teams_of(user: User) -> QuerySet[Team]:
    """Return the teams whose members `user` may change."""
    return Team.objects.all() if user.is_administrator else Team.objects.led_by(user)


def find_team(request: ClinicianRequest, team_id: int) -> Team:
    """Return the team if the user may change its members, else 404."""
    return get_object_or_404(teams_of(request.user), pk=team_id)


def find_study(request: ClinicianRequest, study_id: UUID) -> Study:
    """Return the study if the user is a member of it, else 404."""
    return get_object_or_404(Study.objects.of(request.user).select_related("lead"), pk=study_id)


def find_own_study(request: ClinicianRequest, study_id: UUID) -> Study:
    """Return the study if the user may change it, else 404."""
    return get_object_or_404(Study.objects.open_to(request.user, StudyRight.CHANGE).select_related("lead"), pk=study_id)


def find_exportable_study(request: ClinicianRequest, study_id: UUID) -> Study:
    """Return the study if the user may export it, else 404."""
    return get_object_or_404(Study.objects.open_to(request.user, StudyRight.EXPORT), pk=study_id)
