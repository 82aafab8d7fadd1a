"""The table of visits: rows that are filled say what rows that are rendered say."""

from datetime import date
from itertools import product
from uuid import uuid4

import pytest
from django.template.loader import render_to_string
from django.utils.translation import override

from patients.templatetags.timeline import visit_row
from patients.timeline.baseline import baseline_of
from patients.timeline.plot.sparkline import interval_glyph
from patients.timeline.points import VisitPoint
from patients.timeline.visit_rows import VisitRow

HAPPY, SAD = (0.0, 0.0, 0.0, 0.9, 0.05, 0.05, 0.0), (0.1, 0.0, 0.0, 0.1, 0.7, 0.0, 0.1)


def visit(photos: tuple[tuple[float, ...], ...], **facts: object) -> VisitPoint:
    """Return a visit with these photos."""
    return VisitPoint(uuid4(), date(2026, 3, 2), used=len(photos), photo_probabilities=photos, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_filled_row_is_the_row_that_would_be_rendered(language: str) -> None:
    usual = [visit((HAPPY, HAPPY, SAD)) for _ in range(4)]
    photos = [(), (HAPPY,), (HAPPY, SAD, HAPPY), (SAD, SAD, SAD)]
    shapes = set()
    with override(language):
        for used, unfinished, has_note, baseline, mood in product(
            photos, (0, 2), (True, False), (None, baseline_of(usual)), (None, 0)
        ):
            point = visit(used, unfinished=unfinished, has_note=has_note)
            row = VisitRow(3, "/visits/<1>/", point, interval_glyph(point, baseline), mood, is_today=mood is None)
            whole = render_to_string("patients/_visit_row.html", {"row": row.texts, "shape": row.shape, "glyph": row.glyph})
            assert visit_row(row) == whole
            assert "/visits/&lt;1&gt;/" in whole
            shapes.add(row.shape)
    assert len(shapes) > 10
