"""A patient, their visits and their consents as resources."""

import base64
from datetime import datetime
from uuid import UUID, uuid5

from django.conf import settings
from django.utils import timezone

from patients.models import Consent, Patient
from patients.models.characters import without_turns
from patients.reports.fhir.codes import HL7, LOINC, Resource, coded
from patients.reports.visits_table import VisitRow

Purpose = Consent.Purpose
SCOPES = {
    Purpose.CARE: ("treatment", "TREAT", "treatment"),
    Purpose.RESEARCH: ("research", "HRESCH", "healthcare research"),
    Purpose.TEACHING: ("patient-privacy", "TRAIN", "training"),
}
"""The scope of a consent to each purpose, and the purpose of use with its display."""
ACT_CODE, ACT_REASON = f"{HL7}v3-ActCode", f"{HL7}v3-ActReason"


def text(typed: str) -> str:
    """Return the text as FHIR allows it: characters below 32 do not exist there but for tabs and ends of lines."""
    return "\n".join("\t".join(map(without_turns, line.split("\t"))) for line in typed.splitlines()).strip()


def instant(moment: datetime) -> str:
    """Return the time with the offset of the clinic's zone."""
    return moment.astimezone(timezone.get_default_timezone()).isoformat(timespec="seconds")


def reference(key: UUID | str) -> Resource:
    """Return a reference to the resource with this id in the same bundle."""
    return {"reference": f"urn:uuid:{key}"}


def patient_resource(patient: Patient) -> Resource:
    """Return the patient. The name is one text: the record does not say which part is the family name."""
    number: Resource = {"use": "usual", "type": coded(f"{HL7}v2-0203", "MR", "Medical record number")}
    if settings.RECORD_NUMBER_SYSTEM:
        number["system"] = settings.RECORD_NUMBER_SYSTEM
    number["value"] = text(patient.record_number)
    resource: Resource = {"resourceType": "Patient", "id": str(patient.pk), "identifier": [number]}
    if name := text(patient.name):
        resource["name"] = [{"use": "official", "text": name}]
    if patient.sex:
        resource["gender"] = patient.sex
    return resource | {"birthDate": patient.birth_date.isoformat()}


def encounter(row: VisitRow, patient: Patient) -> Resource:
    """Return one visit. It has a day and no time."""
    day = row.date.isoformat()
    return {
        "resourceType": "Encounter",
        "id": str(row.visit),
        "status": "finished",
        "class": {"system": ACT_CODE, "code": "AMB", "display": "ambulatory"},
        "subject": reference(patient.pk),
        "period": {"start": day, "end": day},
    }


def consent_resource(consent: Consent) -> Resource:
    """Return one consent, with its wording where that was kept. One that was withdrawn or replaced is inactive."""
    scope, purpose, display = SCOPES[Purpose(consent.purpose)]
    period = {"start": consent.given_on.isoformat()}
    if ended_at := consent.withdrawn_at or consent.replaced_at:
        period["end"] = instant(ended_at)
    resource: Resource = {
        "resourceType": "Consent",
        "id": str(uuid5(consent.patient_id, f"consent {consent.pk}")),
        "status": "active" if consent.is_active else "inactive",
        "scope": coded(f"{HL7}consentscope", scope),
        "category": [coded(LOINC, "59284-0")],
        "patient": reference(consent.patient_id),
        "dateTime": consent.given_on.isoformat(),
    }
    version = text(consent.text_version)
    if words := text(consent.words):
        data = base64.b64encode(words.encode()).decode()
        resource["sourceAttachment"] = {"contentType": "text/plain; charset=utf-8", "data": data} | (
            {"title": version} if version else {}
        )
    resource["policyRule"] = coded(ACT_CODE, "OPTIN", "opt-in") | ({"text": version} if version else {})
    purposes = [{"system": ACT_REASON, "code": purpose, "display": display}]
    return resource | {"provision": {"type": "permit", "period": period, "purpose": purposes}}
