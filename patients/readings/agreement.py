"""How often the model agrees with a clinician about the same face, with a 95% interval."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import groupby
from math import sqrt
from operator import attrgetter, itemgetter
from typing import Any
from uuid import UUID

from django.db.models import F, OuterRef, Q, Subquery

from inference.models import Prediction
from ml.intervals import student
from ml.serve.expressions import EXPRESSIONS, FaceBox
from patients.models import OwnLabel, Patient, User
from patients.models.own_label import CANNOT_SAY
from patients.models.patient import seen
from patients.timeline.interval import Interval

MIN_GROUPS = 3  # visits, or patients
Z = 1.96  # 95% of a normal distribution
SAME_FACE = 0.3  # overlap of two boxes of one face; a newer detector moves them a little
LABEL_FIELDS = ("label", "box", "photo__visit__patient", "photo__visit", "photo__visit__date", "photo__predictions__model_version")
READING_FIELDS = ("photo__predictions__abstained", "photo__predictions__faces", "photo__predictions__chosen_face")


@dataclass(frozen=True)
class Pair:
    """A clinician's label and the model's answer for one face. Both are expressions: labels of “cannot say” are left out."""

    patient_id: UUID
    visit_id: UUID
    date: date
    own: str
    model: str
    model_version: str

    @property
    def agrees(self) -> bool:
        """Whether both name the same expression."""
        return self.own == self.model


@dataclass(frozen=True)
class Agreement:
    """How often the clinician and the model agree on `pairs`."""

    pairs: tuple[Pair, ...]

    @property
    def n(self) -> int:
        """The number of photos."""
        return len(self.pairs)

    @cached_property
    def agreed(self) -> int:
        """The number of photos on which both agree."""
        return sum(pair.agrees for pair in self.pairs)

    @property
    def share(self) -> float | None:
        """The share of photos on which both agree, or None without a photo."""
        return self.agreed / self.n if self.n else None

    @cached_property
    def visits(self) -> int:
        """The number of visits that the photos come from."""
        return len({pair.visit_id for pair in self.pairs})

    @cached_property
    def interval(self) -> Interval | None:
        """The 95% interval of the share; None below three visits.

        Wilson's interval with the effective sample size (Dean and Pagano 2015). Photos of one visit resemble each other, and from
        three patients on, so do those of one patient: they count as fewer photos. The design effect is estimated from few visits,
        hence Student's distribution (Korn and Graubard 1998). It cannot be estimated if all photos agree or none does: then each
        visit counts as one photo.
        """
        if self.visits < MIN_GROUPS or self.share is None:
            return None
        return wilson(self.share, self._effective_size)

    @property
    def _effective_size(self) -> float:
        share = self.share
        if share in (0, 1, None):
            return self.visits
        by_visit, by_patient = (self._groups(attrgetter(name)) for name in ("visit_id", "patient_id"))
        counted = [by_visit, by_patient] if len(by_patient) >= MIN_GROUPS else [by_visit]
        return min(effective_size(groups, share) for groups in counted)

    def _groups(self, key: Callable[[Pair], UUID]) -> list[list[bool]]:
        """Return, for each visit or patient, whether each of its photos agrees."""
        groups: dict[UUID, list[bool]] = {}
        for pair in self.pairs:
            groups.setdefault(key(pair), []).append(pair.agrees)
        return list(groups.values())

    @property
    def by_chance(self) -> float | None:
        """The agreement expected by chance, from how often each of them names each expression."""
        if not self.n:
            return None
        own, model = Counter(pair.own for pair in self.pairs), Counter(pair.model for pair in self.pairs)
        return sum(own[name] * model[name] for name in EXPRESSIONS) / self.n**2

    @property
    def model_versions(self) -> list[str]:
        """The model versions that read these photos last."""
        return sorted({pair.model_version for pair in self.pairs})

    @property
    def cross_table(self) -> list[tuple[str, list[int]]]:
        """How often the model names each expression, one row per label of the clinician."""
        counts = Counter((pair.own, pair.model) for pair in self.pairs)
        return [(own, [counts[own, model] for model in EXPRESSIONS]) for own in EXPRESSIONS]

    @property
    def months(self) -> list[tuple[date, "Agreement"]]:
        """The agreement of each month that has a pair, by the day of the visit, oldest first."""
        ordered = sorted(self.pairs, key=lambda pair: pair.date)
        return [(month, Agreement(tuple(pairs))) for month, pairs in groupby(ordered, lambda pair: pair.date.replace(day=1))]

    @property
    def by_patient(self) -> dict[UUID, "Agreement"]:
        """The agreement on each patient."""
        ordered = sorted(self.pairs, key=lambda pair: str(pair.patient_id))
        return {key: Agreement(tuple(pairs)) for key, pairs in groupby(ordered, lambda pair: pair.patient_id)}


@dataclass(frozen=True)
class LabelledPhotos:
    """All labels of one clinician: the pairs that can be compared, and how many cannot, by reason."""

    agreement: Agreement
    cannot_say: int = 0
    too_close: int = 0
    another_face: int = 0


def effective_size(groups: Sequence[Sequence[bool]], share: float) -> float:
    """Return the effective sample size of two or more clustered `groups`, of which `share` agree. The share is not 0 or 1."""
    n, count = sum(map(len, groups)), len(groups)
    spread = sum((sum(each) - share * len(each)) ** 2 for each in groups)
    variance = spread * count / (count - 1) / n**2
    simple = share * (1 - share) / n
    return n / max(1.0, variance / simple) * (Z / student(count - 1)) ** 2


def wilson(share: float, n: float) -> Interval:
    """Return the 95% score interval of a share of `n` (Wilson 1927)."""
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def labelled_by(clinician: User, patient: Patient | None = None) -> LabelledPhotos:
    """Return what `clinician` labelled: on all patients they may see, or on one. One query.

    The newest reading of each photo counts. Excluded photos do not, nor those without a reading.
    """
    newest = Prediction.objects.filter(photo=OuterRef("photo")).order_by("-requested_at").values("id")[:1]
    of_whom = seen(clinician, "photo__visit__patient") if patient is None else Q(photo__visit__patient=patient)
    labels = OwnLabel.objects.filter(of_whom, clinician=clinician, photo__excluded_at=None)
    read = labels.annotate(newest=Subquery(newest)).filter(  # one call: a second would join the readings twice
        photo__predictions__id=F("newest"), photo__predictions__state=Prediction.State.DONE
    )
    names = tuple(f"photo__predictions__{name}" for name in EXPRESSIONS)
    rows = read.order_by("photo__visit__date", "id")
    return _compare(rows.values_list(*LABEL_FIELDS, *READING_FIELDS, *names))


def labels_by_photo(clinician: User, patient: Patient) -> dict[str, str]:
    """Return the clinician's own label of the face that was read, by the id of the photo of `patient` as 32 digits. One query.

    Only expressions: "cannot say" is none. Labels of colleagues would bias the reader and are never among them.
    """
    newest = Prediction.objects.filter(photo=OuterRef("photo")).order_by("-requested_at").values("id")[:1]
    labels = OwnLabel.objects.filter(clinician=clinician, photo__visit__patient=patient).exclude(label=CANNOT_SAY)
    read = labels.annotate(newest=Subquery(newest)).filter(photo__predictions__id=F("newest"))
    rows = read.values_list("photo_id", "label", "box", "photo__predictions__faces", "photo__predictions__chosen_face")
    return {photo_id.hex: label for photo_id, label, box, faces, chosen in rows if is_same_face(box, faces, chosen)}


def _compare(rows: Iterable[tuple[Any, ...]]) -> LabelledPhotos:  # Any: what a row holds
    pairs: list[Pair] = []
    left_out: Counter[str] = Counter()
    for label, box, patient_id, visit_id, day, version, abstained, faces, chosen, *probabilities in rows:
        if label == CANNOT_SAY:
            left_out["cannot_say"] += 1
        elif abstained:
            left_out["too_close"] += 1
        elif not is_same_face(box, faces, chosen):
            left_out["another_face"] += 1
        else:
            _largest, model = max(zip(probabilities, EXPRESSIONS, strict=True), key=itemgetter(0))
            pairs.append(Pair(patient_id, visit_id, day, label, model, version))
    return LabelledPhotos(Agreement(tuple(pairs)), **left_out)


def is_same_face(box: object, faces: object, chosen: object) -> bool:
    """Whether a label for the face in `box` is about the face that was read, number `chosen` of `faces`."""
    if not isinstance(box, dict) or not isinstance(faces, list) or not isinstance(chosen, int) or chosen >= len(faces):
        return True  # unknown counts as the same
    return FaceBox(**box).overlap(FaceBox(**faces[chosen]["box"])) >= SAME_FACE
