"""How the expressions develop across visits: the points, what is usual, the figure, its words and its small drawings.

==============================  =====================================================================================
`points(patient)`               one point per visit that has photos, oldest first
`points_by_patient(ids)`        the same for many patients, in two queries
`usual_range(points)`           the patient's own usual range, or None before four visits
`figure(points, range)`         the Plotly figure as plain JSON
`sentence(points, range)`       the last visit in words
`timeline(patient)`             all of it at once, for `patients/_timeline.html`
`sparkline(points, range, on)`  twelve months as a small drawing
`interval_glyph(point, range)`  one visit on the axis from -1 to 1
==============================  =====================================================================================
"""

from patients.timeline.figure import figure
from patients.timeline.interval import Interval
from patients.timeline.page import Timeline, timeline
from patients.timeline.points import Share, VisitPoint, point_of, points, points_by_patient
from patients.timeline.sentence import Sentence, sentence
from patients.timeline.sparkline import IntervalGlyph, Sparkline, interval_glyph, sparkline, twelve_months
from patients.timeline.usual_range import Place, UsualRange, outside, usual_range

__all__ = [
    "Interval",
    "IntervalGlyph",
    "Place",
    "Sentence",
    "Share",
    "Sparkline",
    "Timeline",
    "UsualRange",
    "VisitPoint",
    "figure",
    "interval_glyph",
    "outside",
    "point_of",
    "points",
    "points_by_patient",
    "sentence",
    "sparkline",
    "timeline",
    "twelve_months",
    "usual_range",
]
