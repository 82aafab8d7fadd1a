"""The responsible clinician of a patient: replaced by a lead, or by handing over with a confirmation."""

from django.db import transaction

from patients.audit.log import Actor, record_access, user_of
from patients.care.notices import Told, carers_of, tell
from patients.care.team import assign
from patients.models import AccessLog, Patient, User


def make_responsible(patient: Patient, clinician: User, who: Actor) -> None:
    """Make `clinician` responsible for the patient, and tell the care team. Who was responsible before still sees the patient."""
    with transaction.atomic():
        patient = Patient.objects.select_for_update().get(pk=patient.pk)
        if patient.responsible_id == clinician.pk:
            return
        assign(patient, clinician, who, is_told=False)
        patient.responsible = clinician
        patient.save(update_fields=["responsible"])
        record_access(who, AccessLog.Action.PERMISSION, patient, obj=clinician, changed="responsible")
        tell(carers_of(patient), Told("responsible", user_of(who), about=clinician, patient=patient))
