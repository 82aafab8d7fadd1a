"""The banner on every page of a patient."""

from patients.models import Consent, ErasureRequest, Patient


def banner_of(patient: Patient) -> dict[str, object]:
    """Return the context of the banner, and the section of the top bar.

    Two queries: care teams and consent to care. Without a consent, a third looks for a queued erasure. A page with the tabs of the
    record counts visits and events, by two more.
    """
    consent = Consent.objects.to_care_of(patient)
    return {
        "patient": patient,
        "care_team": ", ".join(patient.teams.values_list("name", flat=True)),
        "care_consent": consent,
        "queued_erasure": None if consent else ErasureRequest.objects.open_for(patient),
        "visits_count": patient.visits.count,
        "events_count": patient.events.count,
        "section": "patients",
    }
