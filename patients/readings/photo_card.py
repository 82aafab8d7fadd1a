"""A photo card: the state and the reading of one photo, ready for the template."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from django.utils import timezone
from django.utils.translation import gettext as _

from inference.models import Prediction
from inference.waiting import seconds_until_read
from ml.serve.expressions import EXPRESSIONS
from patients.models import OwnLabel, Photo
from patients.models.formats import clock, day, decimal, short_day, with_unit
from patients.photos.other_days import day_taken
from patients.readings import crop
from patients.readings.agreement import is_same_face
from patients.readings.runner_up import RunnerUp, runner_up
from patients.readings.votes import Votes, expected_votes
from patients.readings.wording import CHECKS, REFUSALS, Refusal, refusal

State = Prediction.State


class Kind(StrEnum):
    """The kind of a card, in the order of the visit page."""

    CHOOSE = "choose"
    REFUSED = "refused"
    READING = "reading"
    WAITING = "waiting"
    READ = "read"
    CLOSE = "close"
    ERASED = "erased"  # before it was read; a photo that was read before stays READ or CLOSE
    EXCLUDED = "excluded"


LAST = {Kind.ERASED: 8, Kind.EXCLUDED: 9}

FILTERS = {
    "used": (Kind.READ,),
    "needs-you": (Kind.CHOOSE, Kind.REFUSED),
    "on-the-way": (Kind.READING, Kind.WAITING),
}

OF_STATE = {
    State.QUEUED: Kind.WAITING,
    State.RUNNING: Kind.READING,
    State.DONE: Kind.READ,
    State.CHOOSE_FACE: Kind.CHOOSE,
}

SHORTEST_TOLD_SECONDS = 45
TAG_SIDE = 0.038
"""The side of a number tag, as a share of the width of a wide card."""

CHECK_ORDER = {reason: position for position, reason in enumerate(CHECKS)}


@dataclass(frozen=True)
class NumberedFace:
    """One of several faces: its number, from the left and from 1, and its index in the prediction's list."""

    number: int
    index: int
    box: crop.Box
    tag_top: float
    """The upper edge of its number, which stands above the face: below it where the photo ends."""


@dataclass(frozen=True)
class QualityCheck:
    """One quality check as the page writes it."""

    name: str
    measured: str
    limit: str
    passed: bool
    reason: str


@dataclass(frozen=True)
class PhotoCard:
    """One photo with its newest prediction: everything the template needs, without a query."""

    photo: Photo
    prediction: Prediction | None
    minutes: int = 0
    """In about how many minutes a waiting photo is read; 0 when that is soon, or not known."""

    @property
    def kind(self) -> Kind:
        """What kind of card it is."""
        if self.photo.excluded_at:
            return Kind.EXCLUDED
        if self.photo.is_erased and self.probabilities is None:
            return Kind.ERASED
        if self.prediction is None:
            return Kind.WAITING
        if self.prediction.state == State.DONE and self.prediction.abstained:
            return Kind.CLOSE
        return OF_STATE.get(State(self.prediction.state), Kind.REFUSED)

    @property
    def is_final(self) -> bool:
        """Whether only a person can change the card: then it does not poll. An excluded photo does not either."""
        return self.kind not in FILTERS["on-the-way"]

    @property
    def needs_you(self) -> bool:
        """Whether the photo needs a decision of the clinician."""
        return self.kind in FILTERS["needs-you"] and self.photo.dismissed_at is None

    @property
    def earlier(self) -> list[PhotoCard]:
        """The cards of earlier readings, newest first."""
        readings = sorted(self.photo.predictions.all(), key=lambda each: each.requested_at, reverse=True)
        return [PhotoCard(self.photo, each) for each in readings if self.prediction and each.pk != self.prediction.pk]

    @property
    def is_unusable(self) -> bool:
        """Whether it gave no result: the visit folds such photos into one strip."""
        return self.kind is Kind.REFUSED

    @property
    def rank(self) -> tuple[int, float]:
        """The sort key: faces to choose, then all others, newest first; erased and excluded ones last."""
        return LAST.get(self.kind, 0 if self.kind is Kind.CHOOSE else 1), -self.taken_at.timestamp()

    @property
    def taken_at(self) -> datetime:
        """When the photo was taken; when it was uploaded if that is unknown."""
        return self.photo.taken_at or self.photo.uploaded_at

    @property
    def when(self) -> str:
        """The camera's time as "09:44", with its day before it if that is not the day of the visit.

        "added 25 Nov, 17:46" if the camera wrote no time: when a photo was uploaded is not when it was taken.
        """
        if self.photo.taken_at is None:
            added = self.photo.uploaded_at
            return _("added %(day)s, %(time)s") % {"day": short_day(added), "time": clock(added)}
        time = clock(self.camera_time)
        return f"{day(self.camera_time)}, {time}" if self.is_of_another_day else time

    @property
    def camera_time(self) -> datetime | None:
        """The time on the camera's clock, not converted to the reader's zone."""
        return timezone.make_naive(self.photo.taken_at, timezone.get_default_timezone()) if self.photo.taken_at else None

    @property
    def is_of_another_day(self) -> bool:
        """Whether the photo was taken on another day than the visit's."""
        return self.photo.taken_at is not None and day_taken(self.photo) != self.photo.visit.date

    @cached_property
    def probabilities(self) -> tuple[float, ...] | None:
        """The seven probabilities, if it was read."""
        return self.prediction.probabilities if self.prediction else None

    @cached_property
    def votes(self) -> tuple[Votes, ...]:
        """The expected votes of ten raters, most votes first; empty before it was read."""
        return expected_votes(self.probabilities) if self.probabilities else ()

    @property
    def named_probabilities(self) -> list[tuple[str, float]]:
        """The seven probabilities with their names, in label order."""
        return list(zip(EXPRESSIONS, self.probabilities or (), strict=True))

    @property
    def first(self) -> Votes | None:
        """The expression that most raters would name."""
        return self.votes[0] if self.votes else None

    @property
    def runner_up(self) -> RunnerUp | None:
        """The second expression, where the first alone would mislead."""
        return runner_up(self.probabilities, self.prediction is not None and self.prediction.abstained)

    @property
    def own_label(self) -> OwnLabel | None:
        """The reader's label of the face that was read; None if it is about another face of the photo."""
        label = next(iter(self.photo.own_labels.all()), None)
        if label is None or self.prediction is None:
            return label
        return label if is_same_face(label.box, self.prediction.faces, self.prediction.chosen_face) else None

    @property
    def votes_text(self) -> str:
        """The votes as "7 happy, 2 neutral, 1 surprise"."""
        return ", ".join(f"{vote.count} {_(vote.expression)}" for vote in self.votes)

    @property
    def other_votes_text(self) -> str:
        """The votes after the first as "Neutral 2, surprise 1"."""
        text = ", ".join(f"{_(vote.expression)} {vote.count}" for vote in self.votes[1:])
        return text[:1].upper() + text[1:]

    @property
    def cells(self) -> list[tuple[str, str]]:
        """The ten cells of the strip: expression and left edge."""
        names = [vote.expression for vote in self.votes for _cell in range(vote.count)]
        return [(name, f"{k * 10.0778:.3f}%") for k, name in enumerate(names)]

    @property
    def refusal(self) -> Refusal:
        """Why it was not read, and what helps."""
        assert self.prediction is not None
        code = "no_face" if self.prediction.state == State.NO_FACE else self.prediction.reason
        return refusal(code)

    @property
    def is_fault(self) -> bool:
        """Whether the reading failed through no fault of the photo."""
        return self.prediction is not None and self.prediction.state == State.FAILED and self.prediction.reason not in REFUSALS

    @property
    def failed_check(self) -> QualityCheck | None:
        """The check that the photo did not pass."""
        return next((check for check in self.quality if not check.passed), None)

    @property
    def quality(self) -> list[QualityCheck]:
        """The quality checks in the order of the page; of the two for light only the one that matters."""
        checks = sorted(
            self.prediction.quality if self.prediction else [], key=lambda check: CHECK_ORDER.get(check["reason"], len(CHECK_ORDER))
        )
        written = [_quality_check(check) for check in checks]
        is_too_bright = any(check.reason == "too_bright" and not check.passed for check in written)
        return [check for check in written if check.reason != ("too_dark" if is_too_bright else "too_bright")]

    @cached_property
    def faces(self) -> list[NumberedFace]:
        """The faces from left to right."""
        boxes = crop.face_boxes(self.prediction.faces) if self.prediction else []
        from_left = sorted(enumerate(boxes), key=lambda pair: pair[1].left)
        side = crop.wide(self.photo.width, self.photo.height, boxes).width * TAG_SIDE if boxes else 0.0
        gap = side / 8
        return [
            NumberedFace(number, index, box, box.top - side - gap if box.top > side + gap else box.bottom + gap)
            for number, (index, box) in enumerate(from_left, start=1)
        ]

    @property
    def face(self) -> crop.Box | None:
        """The box of the face that was read."""
        chosen = self.prediction.chosen_face if self.prediction else None
        return next((face.box for face in self.faces if face.index == chosen), None)

    @property
    def view_box(self) -> str:
        """The part of the photo that the card shows."""
        if self.kind is Kind.CHOOSE and self.faces:
            return self._wide.as_view_box
        return crop.square(self.photo.width, self.photo.height, self.face).as_view_box

    @property
    def tag_side(self) -> float:
        """The side of a number tag in pixels of the photo."""
        return self._wide.width * TAG_SIDE

    @property
    def face_radius(self) -> float:
        """The corner radius of a face box in pixels of the photo."""
        return self._wide.width * 0.0075

    @property
    def _wide(self) -> crop.Box:
        return crop.wide(self.photo.width, self.photo.height, [face.box for face in self.faces])

    @property
    def corners(self) -> str:
        """The brackets around the face that was read, as a path; empty without one."""
        return crop.corners(self.face) if self.face else ""


def card_of(photo: Photo) -> PhotoCard:
    """Return the card of one photo."""
    return PhotoCard(photo, photo.prediction)


def cards_of(photos: Iterable[Photo]) -> list[PhotoCard]:
    """Return the cards of a visit in their order."""
    return with_minutes(sorted(map(card_of, photos), key=lambda card: card.rank))


def with_minutes(cards: list[PhotoCard]) -> list[PhotoCard]:
    """Return the cards; those of waiting photos say in how many minutes they are read. No query when none waits."""
    waiting = {card.prediction.pk for card in cards if card.kind is Kind.WAITING and card.prediction}
    seconds = seconds_until_read(waiting)
    return [replace(card, minutes=minutes_of(seconds.get(card.prediction.pk, 0.0))) if card.prediction else card for card in cards]


def minutes_of(seconds: float) -> int:
    """Return the whole minutes that a card tells; 0 below three quarters of a minute, which it does not tell."""
    return 0 if seconds < SHORTEST_TOLD_SECONDS else max(1, round(seconds / 60))


def count_filters(cards: Iterable[PhotoCard]) -> dict[str, int]:
    """Return how many cards each filter shows."""
    counts = Counter(name for card in cards for name in FILTERS if passes(card, name))
    return {name: counts[name] for name in FILTERS}


def passes(card: PhotoCard, name: str) -> bool:
    """Whether the filter `name` shows the card. An unknown filter shows all."""
    if name == "needs-you":
        return card.needs_you
    return name not in FILTERS or card.kind in FILTERS[name]


def _quality_check(check: dict[str, object]) -> QualityCheck:
    reason, measured, limit = str(check["reason"]), float(str(check["measured"])), float(str(check["limit"]))
    form = CHECKS.get(reason)
    if form is None:
        return QualityCheck(str(check["name"]), f"{measured:g}", f"{limit:g}", bool(check["passed"]), reason)
    number = decimal(limit * form.scale, form.places)
    text = with_unit(decimal(measured * form.scale, form.places), form.unit)
    return QualityCheck(str(form.name), text, str(form.limit) % number, bool(check["passed"]), reason)
