"""Whose record this is: what the banner of every page of a patient says."""

from patients.models import Patient


def banner_of(patient: Patient) -> dict[str, object]:
    """Return the patient, the consent to care in force and the section of the top bar. One query."""
    return {"patient": patient, "consent": patient.care_consent, "section": "patients"}
