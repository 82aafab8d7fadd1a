"""How many people and visits each study has."""

from collections import Counter
from dataclasses import dataclass, field

from django.db.models import Count, F, Q

from patients.models import Participation, Study, User


@dataclass
class StudyRow:
    """One study in the list."""

    study: Study
    participants: int = 0
    visits: int = 0
    withdrew: int = 0
    by_arm: Counter[int] = field(default_factory=Counter)  # participants by the id of their arm

    @property
    def arms(self) -> list[tuple[str, int]]:
        """The arms in their order, with their participants."""
        return [(arm.name, self.by_arm[arm.pk]) for arm in self.study.arms.all()]

    @property
    def is_draft(self) -> bool:
        """Whether the ethics reference is missing: no one joins, nothing is exported."""
        return not self.study.ethics_reference


def study_rows(user: User, study: Study | None = None) -> list[StudyRow]:
    """Return the studies of `user`, or one of them, with their numbers. Four queries."""
    studies = Study.objects.of(user).select_related("lead").prefetch_related("arms")
    found = {each.pk: StudyRow(each) for each in (studies.filter(pk=study.pk) if study else studies)}
    in_study = Q(patient__visits__date__gte=F("study__starts_on"))
    in_study &= Q(left_on=None) | Q(patient__visits__date__lte=F("left_on"))
    in_study &= Q(study__closed_on=None) | Q(patient__visits__date__lte=F("study__closed_on"))
    every = Participation.objects.filter(study__in=list(found))
    counted = every.counted().annotate(visit_count=Count("patient__visits", filter=in_study))
    for study_id, arm_id, visits in counted.values_list("study_id", "arm_id", "visit_count"):
        row = found[study_id]
        row.participants += 1
        row.visits += visits
        row.by_arm[arm_id] += 1
    for study_id, number in every.exclude(withdrawn_at=None).values_list("study_id").annotate(n=Count("id")).order_by():
        found[study_id].withdrew = number
    return list(found.values())
