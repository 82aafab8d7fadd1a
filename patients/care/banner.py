"""Whose record this is: what the banner of every page of a patient says."""

from patients.models import Consent, ErasureRequest, Patient


def banner_of(patient: Patient) -> dict[str, object]:
    """Return what every page of a record says of the patient, and the section of the top bar.

    Two queries: the care teams, and the consent to care in force. Without a consent, a third finds the erasure that is queued.
    """
    consent = Consent.objects.to_care_of(patient)
    return {
        "patient": patient,
        "care_team": ", ".join(patient.teams.values_list("name", flat=True)),
        "care_consent": consent,
        "queued_erasure": None if consent else ErasureRequest.objects.open_for(patient),
        "section": "patients",
    }
