"""The figure: valid for Plotly, true to the points, and drawn in the colours of the stylesheet alone."""

import json
import re
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import plotly.graph_objects
import pytest
from plotly.offline import get_plotlyjs_version

from ml.serve.expressions import EXPRESSIONS
from patients.models import Event, SelfReport
from patients.timeline.plot.figure import figure
from tests.patients.timeline.plot.drawn import drawn, iso, shapes, texts, trace
from tests.patients.timeline.visits import FIRST, baseline_from, event, visit_on, weekly

PROJECT = Path(__file__).resolve().parents[4]
Kind = Event.Kind
BASELINE = baseline_from(-0.34, 0.27)
EVENTS = [
    event(Kind.MEDICATION, "Sertraline 50 mg", FIRST, FIRST + timedelta(days=20)),
    event(Kind.LIFE_EVENT, "New job", FIRST + timedelta(days=3)),
]


def test_vendored_plotly_is_the_version_that_the_package_bundles() -> None:
    head = (PROJECT / "static/vendor/plotly-basic.min.js").read_bytes()[:400].decode()
    assert f"v{get_plotlyjs_version()}\n" in head


@pytest.mark.parametrize("events", [EVENTS, []])
@pytest.mark.parametrize("baseline", [BASELINE, None])
def test_both_views_are_valid_for_plotly(baseline: object, events: list[Event]) -> None:
    points = [*weekly(0.1, 0.4, -0.5), visit_on(FIRST + timedelta(days=200), 0.1, model="1.1.0", failed=2)]
    made = drawn(points, baseline, events, reports={points[0].visit_id: SelfReport(mood=4, phq9=20)})  # type: ignore[arg-type]  # parametrised
    plotly.graph_objects.Figure(data=made["data"], layout=made["layout"])
    plotly.graph_objects.Figure(data=made["smallMultiples"]["data"], layout=made["smallMultiples"]["layout"])


def test_valence_has_a_fixed_scale_and_a_zero_line() -> None:
    axis = drawn(weekly(0.02, 0.03))["layout"]["yaxis"]
    assert axis["range"] == [-1, 1]
    assert axis["zeroline"] is True
    assert axis["ticktext"] == ["−1", "−0.5", "0", "0.5", "1"]
    assert axis["fixedrange"] is True


def test_means_have_size_by_photos_and_bars_by_interval() -> None:
    # One photo at 1 among four: the interval of the mean 0.25 is 0 to 1, worked out in test_interval.
    made = drawn([visit_on(FIRST, 0.0, 0.0, 0.0, 1.0), visit_on(FIRST + timedelta(days=9), *[0.5] * 9)])
    means = trace(made, "visits")
    assert means["x"] == iso(FIRST, FIRST + timedelta(days=9))
    assert means["y"] == [0.25, 0.5]
    assert means["marker"]["size"] == [10.6, 11.9]  # 8 + 1.3 √n
    assert means["error_y"]["array"] == [0.75, 0.0]
    assert means["error_y"]["arrayminus"] == [0.25, 0.0]


def test_visits_of_one_day_stand_beside_each_other() -> None:
    twice = [visit_on(FIRST, 0.2, 0.2, 0.2, number=1), visit_on(FIRST, -0.4, -0.4, -0.4, number=2)]
    made = drawn([*twice, visit_on(FIRST + timedelta(days=7), 0.1)])
    moments = ["2026-01-05", "2026-01-05T12:00:00Z", "2026-01-12"]
    assert [card["x"] for card in made["visits"]] == moments
    for name in ("happy", "used"):
        assert trace(made, name)["x"] == moments  # bars at one moment would be stacked on each other


def test_one_or_two_photos_are_hollow_and_without_a_bar() -> None:
    made = drawn([visit_on(FIRST, 0.1, 0.3), visit_on(FIRST + timedelta(days=7), 0.1, 0.1, 0.1)])
    assert trace(made, "sparse")["y"] == [0.2]
    assert "error_y" not in trace(made, "sparse")
    assert trace(made, "visits")["y"] == [0.1]


def test_line_has_a_hole_at_a_gap_and_says_how_long() -> None:
    late = FIRST + timedelta(days=122)
    made = drawn([visit_on(FIRST, 0.1), visit_on(late, 0.2)])
    assert trace(made, "mean")["x"] == [FIRST.isoformat(), None, late.isoformat()]
    assert trace(made, "mean")["connectgaps"] is False
    assert texts(made["layout"], "gap") == ["no visits for 4 months"]


def test_change_of_the_model_is_a_line_with_both_names() -> None:
    made = drawn([visit_on(FIRST, 0.1, model="1.2.0"), visit_on(FIRST + timedelta(days=10), 0.2, model="1.3.0")])
    (line,) = shapes(made["layout"], "model")
    assert line["x0"] == line["x1"] == "2026-01-10T00:00:00Z"
    assert texts(made["layout"], "gap") == ["1.2"]
    assert texts(made["layout"], "version") == ["model 1.3"]
    assert None in trace(made, "mean")["x"]


def test_change_of_the_model_within_a_day_lies_between_its_visits() -> None:
    twice = [visit_on(FIRST, 0.2, number=1, model="1.2.0"), visit_on(FIRST, 0.2, number=2, model="1.3.0")]
    for later, between in ((twice[1], "2026-01-05T06:00:00Z"), (visit_on(FIRST + timedelta(days=1), 0.2), "2026-01-05T12:00:00Z")):
        layout = drawn([twice[0], later])["layout"]
        (line,) = shapes(layout, "model")
        assert line["x0"] == line["x1"] == between
        assert {note["x"] for note in layout["annotations"] if note.get("name") in ("gap", "version")} == {between}


def test_models_that_differ_in_the_last_number_keep_it() -> None:
    made = drawn([visit_on(FIRST, 0.1, model="1.2.0"), visit_on(FIRST + timedelta(days=10), 0.2, model="1.2.1")])
    assert texts(made["layout"], "gap") + texts(made["layout"], "version") == ["1.2", "model 1.2.1"]


def test_visits_outside_the_range_are_ringed_in_ink() -> None:
    made = figure(weekly(0.0, 0.5, -0.2), BASELINE)
    ring = trace(made, "outside")
    assert ring["x"] == iso(FIRST + timedelta(days=7))
    assert ring["marker"]["line"]["color"] == "var(--ink)"


def test_band_has_both_limits_in_print() -> None:
    made = figure(weekly(0.0, 0.5), BASELINE)
    (band, *edges) = shapes(made["layout"], None)
    assert (band["y0"], band["y1"]) == (-0.34, 0.27)
    assert [edge["y0"] for edge in edges] == [-0.34, 0.27]
    assert texts(made["layout"], "side") == ["0.27", "−0.34", "usual<br>range"]


def test_narrow_band_keeps_its_words_apart() -> None:
    made = figure(weekly(0.0, 0.5), baseline_from(-0.02, 0.1))
    assert texts(made["layout"], "side") == ["usual<br>range<br>0.10", "−0.02"]


def test_range_beyond_the_scale_is_cut_and_printed_at_the_scale() -> None:
    made = figure(weekly(0.0, 0.5), baseline_from(-1.2, 0.5))
    assert shapes(made["layout"], None)[0]["y0"] == -1.0
    assert "−1.00" in texts(made["layout"], "side")


def test_expressions_are_stacked_in_label_order_in_their_own_colours() -> None:
    made = figure([visit_on(FIRST, 0.4, 0.4, 0.4), visit_on(FIRST + timedelta(days=7), failed=1)], None)
    bars = [each for each in made["data"] if each.get("yaxis") == "y2"]
    assert [bar["name"] for bar in bars] == list(EXPRESSIONS)
    assert [bar["marker"]["color"] for bar in bars] == [f"var(--e-{name})" for name in EXPRESSIONS]
    assert [bar["y"] for bar in bars] == [[0.0], [0.0], [0.0], [0.4], [0.0], [0.0], [0.6]]
    assert made["layout"]["barmode"] == "stack"


def test_seven_strips_share_one_scale_and_have_intervals_and_symbols() -> None:
    made = drawn([visit_on(FIRST, 0.0, 0.0, 0.0, 0.4), visit_on(FIRST + timedelta(days=7), 0.4)])
    seven = made["smallMultiples"]
    assert {tuple(axis["range"]) for name, axis in seven["layout"].items() if re.fullmatch(r"yaxis1[1-7]", name)} == {(-0.08, 1.08)}
    happy = [each for each in seven["data"] if each["name"] == "happy"]
    assert [each["mode"] for each in happy] == ["lines", "markers", "markers"]
    assert happy[1]["y"] == [0.1]
    assert happy[1]["error_y"]["array"] == [0.3]  # a quarter of the photos at 0.4: up to all
    assert happy[2]["marker"]["symbol"] == "circle-open"
    symbols = [each["marker"]["symbol"] for each in seven["data"][1::3]]
    assert symbols == ["triangle-up", "square", "diamond", "circle", "triangle-down", "star", "cross"]


def test_strips_scale_follows_the_largest_probability() -> None:
    title = texts(drawn(weekly(-0.5, -0.5))["smallMultiples"]["layout"], "title:expressions")
    assert "Expressions, 0 to 50% each, 95% interval" in title


def test_used_and_missing_photos_add_up_and_missing_ones_are_hatched() -> None:
    made = drawn([visit_on(FIRST, 0.1, 0.1, failed=1, unfinished=2), visit_on(FIRST + timedelta(days=3), excluded=4)])
    assert trace(made, "used")["y"] == [2, 0]
    assert trace(made, "missing")["y"] == [3, 4]
    assert trace(made, "missing")["marker"]["pattern"]["shape"] == "/"
    assert made["layout"]["yaxis3"]["tickvals"] == [0, 5]


def test_dates_are_true_dates_with_room_on_both_sides() -> None:
    axis = drawn([visit_on(date(2025, 3, 4), 0.1), visit_on(date(2026, 11, 20), 0.1)])["layout"]["xaxis"]
    assert axis["type"] == "date"
    assert axis["range"] == ["2025-02-12", "2026-12-10"]
    assert (axis["dtick"], axis["tick0"]) == ("M2", "2025-01-01")


def test_events_are_bars_or_diamonds_with_a_line_through_all_rows() -> None:
    made = drawn(weekly(0.1, 0.2, 0.3), None, EVENTS)
    assert trace(made, "event")["x"] == iso(FIRST + timedelta(days=3))
    bar, edge, first_line, second_line = shapes(made["layout"], "event")
    assert (bar["x0"], bar["x1"]) == tuple(iso(FIRST, FIRST + timedelta(days=20)))
    assert (edge["x0"], edge["line"]["width"]) == (FIRST.isoformat(), 2)
    assert [line["yref"] for line in (first_line, second_line)] == ["paper", "paper"]
    assert texts(made["layout"], "event") == ["Sertraline 50 mg", "New job"]
    assert made["until"] == iso(FIRST + timedelta(days=20), FIRST + timedelta(days=3))


def test_without_events_there_is_no_empty_row() -> None:
    made = drawn(weekly(0.1, 0.2))
    assert "yaxis4" not in made["layout"]
    assert made["layout"]["xaxis"]["anchor"] == "y3"
    assert made["layout"]["height"] == drawn(weekly(0.1, 0.2), None, EVENTS)["layout"]["height"] - 64  # two lanes
    assert texts(made["layout"], "title:event") == []


def test_label_that_is_turned_to_the_left_covers_no_other() -> None:
    """Over sixty weeks the last day has room for some fifteen letters, in the margin on its right."""
    points = weekly(*[0.1] * 60)
    last = points[-1].date
    told = event(Kind.NOTE, "Told of it", last - timedelta(days=60))

    def lanes(label: str) -> set[int]:
        made = drawn(points, None, [told, event(Kind.NOTE, label, last)])
        return {note["y"] for note in made["layout"]["annotations"] if note.get("name") == "event"}

    assert len(lanes("Told")) == 1
    assert len(lanes("Sertraline raised to 100 mg from today on")) == 2


def test_events_at_the_same_time_get_lanes_of_their_own() -> None:
    overlapping = [
        event(Kind.MEDICATION, "A", FIRST, FIRST + timedelta(days=40)),
        event(Kind.MEDICATION, "B", FIRST + timedelta(days=10), FIRST + timedelta(days=50)),
        event(Kind.MEDICATION, "C", FIRST + timedelta(days=45), goes_on=True),
    ]
    made = drawn([visit_on(FIRST, 0.1), visit_on(FIRST + timedelta(days=200), 0.1)], None, overlapping)
    lanes = {note["text"]: note["y"] for note in made["layout"]["annotations"] if note.get("name") == "event"}
    assert lanes == {"A": 1, "C": 1, "B": 0}
    assert (made["layout"]["yaxis4"]["ticktext"], made["layout"]["yaxis4"]["tickvals"]) == (["Medication"], [1])


def test_an_event_of_each_kind_is_drawn() -> None:
    every = [event(kind, kind.value, FIRST + timedelta(days=k)) for k, kind in enumerate(Kind)]
    assert sorted(texts(drawn(weekly(0.1, 0.2), None, every)["layout"], "event")) == sorted(Kind.values)


def test_what_a_person_typed_is_no_markup() -> None:
    made = drawn(weekly(0.1, 0.2), None, [event(Kind.NOTE, '<a href="https://x.example">&</a>', FIRST)])
    assert texts(made["layout"], "event") == ['&lt;a href="https://x.example"&gt;&amp;&lt;/a&gt;']


def test_each_scale_of_a_self_report_has_a_row_of_its_own() -> None:
    points = [*weekly(0.1, 0.2), visit_on(FIRST + timedelta(days=200), 0.1)]
    said = {points[0].visit_id: SelfReport(mood=3, phq9=17), points[2].visit_id: SelfReport(mood=8)}
    made = drawn(points, reports=said)
    mood, phq9 = trace(made, "mood"), trace(made, "phq9")
    assert (mood["yaxis"], mood["y"]) == ("y5", [3, None, 8])
    assert (phq9["yaxis"], phq9["y"]) == ("y6", [17])
    assert [made["layout"][name]["range"] for name in ("yaxis5", "yaxis6")] == [[0, 10], [0, 27]]
    assert "yaxis7" not in made["layout"]  # GAD-7 was never asked
    assert texts(made["layout"], "title:phq9") + texts(made["layout"], "hint:phq9") == [
        "PHQ-9, self-rated",
        "0 to 27, higher: more symptoms",
    ]
    assert texts(made["layout"], "hint:mood") == ["0 to 10, higher: better"]
    assert made["frame"]["rows"] == {"phq9": [272, 382], "mood": [382, 476]}
    rows = [made["layout"][name]["domain"] for name in ("yaxis", "yaxis6", "yaxis5", "yaxis2")]
    assert all(upper[0] > lower[1] for upper, lower in pairwise(rows))  # no row over another


def test_marks_grow_with_the_data_they_stand_for() -> None:
    counts = (1, 2, 3, 9, 40)
    points = [visit_on(FIRST + timedelta(weeks=k), *[0.9] * count) for k, count in enumerate(counts)]
    made = drawn(points, BASELINE)
    means, hollow, photos, rings = (trace(made, name)["marker"] for name in ("visits", "sparse", "photos", "outside"))
    outer = hollow["size"] + hollow["line"]["width"]
    assert means["size"] == [10.3, 11.9, 14.0]
    assert means["line"]["width"] == 0
    assert photos["size"] == 4 < outer == 9 < min(means["size"])
    assert rings["size"] == [21.6, 19.5, 17.9, 16.6, 16.6]  # newest first
    for view in (made["data"], made["smallMultiples"]["data"]):
        for each in view:
            if "-open" in str(each.get("marker", {}).get("symbol", "")):
                assert each["marker"]["size"] + each["marker"]["line"]["width"] <= 7


def test_cards_say_everything_in_words() -> None:
    points = [visit_on(FIRST, 0.1, 0.1, 0.1), visit_on(FIRST + timedelta(days=7), -0.6, -0.6, -0.6, failed=1, model="1.3.0")]
    card = figure(points, BASELINE, EVENTS)["visits"][1]
    assert card == {
        "x": "2026-01-12",
        "y": [-0.6, -0.6, -0.6],
        "href": f"/visits/{points[1].visit_id}/",
        "date": "12 Jan 2026",
        "n": "3 of 4 photos",
        "valence": "−0.60",
        "interval": "−0.60 to −0.60",
        "where": "below usual range",
        "top": [{"expression": "sad", "probability": "60%"}, {"expression": "neutral", "probability": "40%"}],
        "said": "",
        "labels": [],
        "own": "",
        "events": "Sertraline 50 mg, New job",  # one lasts, the other began since the visit before
        "model": "1.3.0",
    }


def test_own_labels_stand_beside_the_photos_in_their_order() -> None:
    point = replace(visit_on(FIRST, 0.1, 0.2, 0.3), photo_keys=("a", "b", "c"))
    made = figure([point, visit_on(FIRST + timedelta(days=7), 0.5)], None, labels={"c": "sad", "a": "happy", "z": "sad"})
    assert made["visits"][0]["labels"] == ["happy", "", "sad"]
    assert made["visits"][0]["own"] == "Your labels: 1 happy, 1 sad"
    assert made["visits"][1]["labels"] == []
    marks = [each["marker"]["symbol"] for each in made["data"] if each["name"].startswith("own:")]
    assert marks == ["circle", "triangle-down"]


def test_rows_can_be_lower_and_their_parts_do_not_overlap() -> None:
    frame = figure(weekly(0.1, 0.5), BASELINE, EVENTS)["frame"]
    parts = sorted(frame["parts"])
    assert all(before[1] <= after[0] for before, after in pairwise(parts))
    assert parts[-1][1] == frame["bottom"]
    assert all(0 < share < 1 for _, _, share in parts)


def test_figure_holds_no_colour_of_its_own() -> None:
    text = json.dumps(figure(weekly(0.1, 0.5, -0.5), BASELINE, EVENTS))
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b", text) == []
    assert set(re.findall(r"rgba?\([^)]*\)", text)) <= {"rgba(0,0,0,0)"}
    tokens = (PROJECT / "static/css/tokens.css").read_text()
    used = set(re.findall(r"var\(--([\w-]+)\)", text))
    assert {name for name in used if f"--{name}:" not in tokens} == set()


def test_figure_is_quiet_so_that_plotly_adds_no_label_of_its_own() -> None:
    made = figure(weekly(0.1, 0.5), BASELINE, EVENTS)
    assert made["layout"]["hovermode"] is False
    assert all(each["hoverinfo"] == "skip" for each in [*made["data"], *made["smallMultiples"]["data"]])
