"""Whose record this is: what the banner of every page of a patient says."""

from patients.models import Consent, Patient


def banner_of(patient: Patient) -> dict[str, object]:
    """Return the patient, the care teams, the consent to care in force and the section of the top bar. Two queries."""
    consent: Consent | None = patient.care_consent  # kept on the patient: the template asks the database nothing
    teams = ", ".join(patient.teams.values_list("name", flat=True))
    return {"patient": patient, "care_team": teams, "consent": consent, "section": "patients"}
