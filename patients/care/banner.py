"""The banner on every page of a patient."""

from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from django.db.models import JSONField, Model, OuterRef, QuerySet, Subquery
from django.db.models.sql.compiler import SQLCompiler

from patients.models import Consent, ErasureRequest, Patient, Team

Row = TypeVar("Row", bound=Model)
FACTS = ("care_since", "care_teams")


@dataclass(frozen=True)
class CareFacts:
    """Since when the patient consents to care (None: they do not), and the names of their care teams in order."""

    since: date | None
    teams: list[str]


class NamesOf(Subquery):
    """The column `name` of a query as one list, so that it is a column of another query."""

    output_field = JSONField()
    template = "(SELECT json_group_array(named.name) FROM (%(subquery)s) named)"
    postgresql_template = "(SELECT coalesce(jsonb_agg(named.name), '[]') FROM (%(subquery)s) named)"

    def as_postgresql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:  # Any: as Django declares it
        """Return the SQL and its parameters."""
        return self.as_sql(compiler, connection, template=self.postgresql_template)


def with_care_facts(rows: QuerySet[Row], patient: str = "pk") -> QuerySet[Row]:
    """Return the rows with two more columns: what the banner says of the patient whose id the column `patient` holds."""
    consents = Consent.objects.active().filter(patient=OuterRef(patient), purpose=Consent.Purpose.CARE)
    teams = Team.objects.filter(patients=OuterRef(patient)).order_by("name")
    facts = {"care_since": Subquery(consents.values("given_on")[:1]), "care_teams": NamesOf(teams.values("name"))}
    with_facts: QuerySet[Row] = rows.annotate(**facts)
    return with_facts


def keep_care_facts(row: Model, patient: Patient) -> None:
    """Hand on to the patient of the row what `with_care_facts` read."""
    patient.__dict__.update({name: row.__dict__[name] for name in FACTS})


def care_facts(patient: Patient) -> CareFacts:
    """Return what the banner says of the patient. One query, none where the patient was read with these facts."""
    row = patient if FACTS[0] in patient.__dict__ else with_care_facts(Patient.objects.all()).get(pk=patient.pk)
    return CareFacts(*(row.__dict__[name] for name in FACTS))


def banner_of(patient: Patient) -> dict[str, object]:
    """Return the context of the banner, and the section of the top bar.

    No query where a lookup found the patient. Without a consent, one looks for a queued erasure. A page with the tabs of the record
    counts visits and events, by two more.
    """
    facts = care_facts(patient)
    return {
        "patient": patient,
        "care_team": ", ".join(facts.teams),
        "care_since": facts.since,
        "queued_erasure": None if facts.since else ErasureRequest.objects.open_for(patient),
        "visits_count": patient.visits.count,
        "events_count": patient.events.count,
        "section": "patients",
    }
