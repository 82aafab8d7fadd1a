"""Where a day stands on paper, and which months the axis names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.formats import date_format

from patients.models.formats import short_day
from patients.reports.paper.shapes import Drawing

LEFT, RIGHT, FIRST, LAST = 62.0, 626.0, 80.0, 608.0
"""The ends of the axis, and where the first and the last visit stand on it, in px of a column of 688."""
EDGE = FIRST - LEFT
MOST_TICKS = 10
STEPS = (1, 2, 3, 4, 6, 12, 24)
SHORT = timedelta(days=60)


@dataclass(frozen=True)
class Axis:
    """The days from the first to the last visit. With `day_zero`, days are numbered from it and no date is told."""

    first: date
    last: date
    left: float = FIRST
    right: float = LAST
    day_zero: date | None = None

    @classmethod
    def over(cls, days: Sequence[date], day_zero: date | None) -> Axis:
        """Return the axis over these days."""
        return cls(min(days), max(days), day_zero=day_zero)

    def x(self, day: date) -> float:
        """Return where `day` stands; a single day in the middle. Days outside end at the ends of the axis."""
        if self.first == self.last:
            place = (self.left + self.right) / 2 if day == self.first else (0.0 if day < self.first else 1e6)
        else:
            place = self.left + (day - self.first) / (self.last - self.first) * (self.right - self.left)
        return min(max(place, self.left - EDGE), self.right + EDGE)

    def draw(self, drawing: Drawing, y: float) -> None:
        """Draw the axis with its names below."""
        drawing.line("ax", LEFT, y, RIGHT, y)
        for day, name, below in self._ticks():
            drawing.line("ax", self.x(day), y, self.x(day), y + 4)
            drawing.text("tk m", self.x(day), y + 16, name)
            if below:
                drawing.text("tk m", self.x(day), y + 29, below)

    def _ticks(self) -> Iterator[tuple[date, str, str]]:
        if self.day_zero or self.last - self.first < SHORT:
            tell: Callable[[date], str] = self._numbered if self.day_zero else short_day
            for day in sorted({self.first, self.last}):
                yield day, tell(day), ""
            return
        months = (self.last.year - self.first.year) * 12 + self.last.month - self.first.month
        step = next((each for each in STEPS if months / each <= MOST_TICKS), 120)
        is_first = True
        for number in range(1, months + 1):
            year, month = divmod(self.first.year * 12 + self.first.month - 1 + number, 12)
            if (month % step if step <= 12 else (year * 12 + month) % step) == 0:
                begins = date(year, month + 1, 1)
                yield begins, date_format(begins, "M"), str(year) if is_first or month == 0 else ""
                is_first = False

    def _numbered(self, day: date) -> str:
        return str((day - (self.day_zero or day)).days)
