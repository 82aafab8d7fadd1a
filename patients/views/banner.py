"""Whose record this is: what the banner of every page of a patient says."""

from patients.models import Consent, Patient


def banner_of(patient: Patient) -> dict[str, object]:
    """Return the patient, the consent to care in force and the section of the top bar. One query."""
    consent: Consent | None = patient.care_consent  # kept on the patient: the template asks the database nothing
    return {"patient": patient, "consent": consent, "section": "patients"}
