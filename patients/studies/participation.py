"""A patient joins a study, changes the arm and leaves. The access log records each."""

from django.db import transaction

from patients.audit.log import Actor, record_access
from patients.models import AccessLog, Arm, Consent, Participation, Patient, Study, User
from patients.models.formats import clinic_today
from patients.models.patient import PatientQuerySet


class NoResearchConsent(Exception):
    """The patient does not consent to research at this moment."""


def participants_in_care(study: Study, user: User) -> PatientQuerySet:
    """Return the patients whose values the study may use and who are in the care of `user`."""
    return Patient.objects.in_care_of(user).filter(pk__in=study.participations.counted().values("patient"))


def join(patient: Patient, arm: Arm, by: User, who: Actor) -> Participation:
    """Put the patient into the arm, and return the participation. In the study already, they change the arm.

    A patient who left, or withdrew consent and gave it again, takes part again. Raises NoResearchConsent.
    """
    with transaction.atomic():
        # Locked: a withdrawal at this moment ends the new participation too.
        consents = Consent.objects.select_for_update().active().filter(patient=patient, purpose=Consent.Purpose.RESEARCH)
        if not list(consents):
            raise NoResearchConsent
        study = arm.study
        found = Participation.objects.select_for_update().filter(study=study, patient=patient).first()
        if found is None:
            made = Participation(study=study, patient=patient, number=study.number_of(patient))
        elif found.is_current and found.arm_id == arm.pk:
            return found
        else:
            made = found
        is_change_of_arm = made.pk is not None and made.is_current
        if not is_change_of_arm:
            made.joined_on, made.left_on, made.withdrawn_at = clinic_today(), None, None
        made.arm, made.enrolled_by = arm, by
        made.save()
        action = AccessLog.Action.EDIT if is_change_of_arm else AccessLog.Action.ADD
        record_access(who, action, patient, obj=made, study=str(study.pk), arm=arm.pk)
    return made


def leave(participation: Participation, who: Actor) -> bool:
    """Record that the patient left the study today: later visits are no part of it. Return False if they had left before."""
    with transaction.atomic():
        current = Participation.objects.filter(pk=participation.pk, left_on=None, withdrawn_at=None)
        if not current.update(left_on=clinic_today()):
            return False
        record_access(
            who,
            AccessLog.Action.EDIT,
            participation.patient,
            obj=participation,
            page="leave",
            study=str(participation.study_id),
        )
    return True
