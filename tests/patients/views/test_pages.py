"""Pages beside the patients, and what every page has in common."""

import json
import re
from hashlib import sha256
from importlib.metadata import files as files_of
from pathlib import Path

import pytest
from django.conf import LazySettings, settings
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from ml.serve.expressions import EXPRESSIONS
from ml.serve.reader import WEIGHTS
from patients.models import Patient, User, Visit
from patients.models.formats import signed
from patients.readings.model_card import AGREEMENTS, CHANGES, MEASURES
from patients.readings.wording import reason_meanings
from patients.reports.columns import COLUMNS
from patients.reports.research import OWN_COLUMNS
from tests.factories import make_photo, make_prediction, make_read_visits

VENDOR = settings.BASE_DIR / "static" / "vendor"
INLINE = re.compile(
    r"<script(?![^>]*(?:\bsrc=|type=\"application/json\"))|<style|\sstyle=|\son[a-z]+=\"|javascript:", re.IGNORECASE
)


@pytest.fixture
def pages(browser: Client, ines: Patient, visit: Visit) -> list[str]:
    """Return the text of every kind of page, with something on it."""
    make_read_visits(ines, 5)
    photo = make_photo(visit)
    make_prediction(photo)
    addresses = [
        "/patients/",
        "/patients/new/",
        f"/patients/{ines.pk}/",
        f"/patients/{ines.pk}/edit/",
        f"/patients/{ines.pk}/visits/new/",
        f"/visits/{visit.pk}/",
        f"/visits/{visit.pk}/edit/",
        f"/photos/{photo.pk}/",
        "/model-card/",
        "/data-dictionary/",
        "/settings/",
        reverse("account_logout"),
        reverse("account_change_password"),
    ]
    stranger = Client()
    signed_out = [reverse("account_login"), reverse("account_reset_password")]
    return [browser.get(address).content.decode() for address in addresses] + [
        stranger.get(address).content.decode() for address in signed_out
    ]


def test_no_page_has_inline_script_or_style(pages: list[str]) -> None:
    assert [INLINE.findall(page) for page in pages] == [[]] * len(pages)


def test_no_page_asks_another_host(pages: list[str]) -> None:
    found = [re.findall(r"(?:src|href|action)=\"(?:https?:)?//[^\"]+", page) for page in pages]
    assert found == [[]] * len(pages)


def test_every_page_has_one_title_and_no_word_that_claims_a_feeling(pages: list[str]) -> None:
    for page in pages:
        shown = re.sub(r"<template.*?</template>", "", page, flags=re.DOTALL)
        assert len(re.findall(r"<h1", shown)) == 1
        assert not re.search(r"\b(emotions?|mood of|is (sad|happy|angry))\b", page, re.IGNORECASE)


def test_every_page_brings_a_policy_that_forbids_inline_code(browser: Client) -> None:
    policy = browser.get("/patients/").headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy


def test_a_wrong_password_is_told_on_the_page(client: Client, ada: User) -> None:
    page = client.post(reverse("account_login"), {"login": ada.email, "password": "wrong"})
    assert 'role="alert"' in page.content.decode()


def test_the_theme_is_kept_and_shown(browser: Client, ada: User) -> None:
    browser.post("/settings/theme/", {"theme": "dark"})
    assert 'data-theme="dark"' in browser.get("/patients/").content.decode()
    browser.post("/settings/theme/")  # without a script: the other one
    ada.refresh_from_db()
    assert ada.theme == "light"
    browser.post("/settings/theme/", {"theme": "pink"})
    ada.refresh_from_db()
    assert ada.theme == "light"


def test_every_column_of_the_export_is_explained(browser: Client) -> None:
    page = browser.get("/data-dictionary/").content.decode()
    words = [column.name for columns in (COLUMNS, OWN_COLUMNS) for column in columns] + list(reason_meanings())
    assert [word for word in words if f">{word}<" not in page] == []


@pytest.mark.parametrize("address", ["/patients/{patient}/csv/", "/visits/{visit}/csv/"])
def test_a_csv_has_a_line_for_every_photo(browser: Client, visit: Visit, address: str) -> None:
    make_prediction(make_photo(visit))
    make_photo(visit)
    answer = browser.get(address.format(patient=visit.patient_id, visit=visit.pk))
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()  # type: ignore[attr-defined]  # streamed
    assert lines[0].startswith("record_number,visit_date,")
    assert len(lines) == 3


def test_the_model_card_is_read_from_the_report(browser: Client, settings: LazySettings, tmp_path: Path) -> None:
    settings.MODEL_DIR = tmp_path
    (tmp_path / "model.json").write_text(json.dumps({"version": "9.8.7"}))
    accuracy = {"value": 0.8342, "low": 0.826, "high": 0.842, "n": 3500}
    recall = {"value": 0.46, "low": 0.4, "high": 0.5}
    report = {
        "split": "validation",
        "faces": {"count": 3500},
        "raters": {
            "accuracy": accuracy,
            "per_class": {"disgust": {"recall": recall, "faces": 34}},
            "reliability": [{"faces": 100, "confidence": 0.5, "share": 0.25}],
        },
    }
    (tmp_path / "report.json").write_text(json.dumps(report))
    page = browser.get("/model-card/")
    text = page.content.decode()
    assert "Version 9.8.7" in text
    assert text.index("How good it is") < text.index("<b>83%</b>") < text.index("Technical details") < text.index("83.4%")
    assert "83.4%" in text
    assert "82.6 to 84.2" in text
    assert "46%" in text
    assert [(point.x, point.y) for point in page.context["model"].calibration] == [(214.0, 273.0)]
    sent = b"".join(browser.get("/model-card/report.json").streaming_content)  # type: ignore[attr-defined]  # streamed
    assert json.loads(sent) == report


def in_percent(figure: dict[str, float]) -> tuple[str, str]:
    """Return the estimate of a share and its interval as the English page writes them."""
    value, low, high = (signed(100 * figure[name], 1) for name in ("value", "low", "high"))
    return f"{value}%", f"{low} to {high}"


def test_the_shipped_model_is_told_in_full(browser: Client) -> None:
    page = browser.get("/model-card/")
    model, report = page.context["model"], json.loads((WEIGHTS / "report.json").read_text())
    text = page.content.decode()
    cells = set(re.findall(r">([^<>]+)<", text))
    assert {"100%", "90%", "80%", "70%"} <= cells
    assert {str(name) for name, _ in model.robustness} == {str(CHANGES[name]) for name in report["robustness"]}
    assert [counts for _, counts in model.facts.confusion] == report["raters"]["confusion"]["rows_are_truth"]
    assert len(model.risk) == 20
    assert all(12 <= dot.y <= 360 for dot in model.risk)
    for row in report["raters"]["coverage"]:
        assert {*in_percent(row["accuracy"]), f"{100 * row['least_probability']:.0f}%"} <= cells
    for changed in report["robustness"].values():
        assert {*in_percent(changed["raters"]), "{} ({})".format(*in_percent(changed["fer2013"]))} <= cells
    assert [row.expression for row in model.facts.scores] == list(EXPRESSIONS)
    assert [(row.expression, row.faces) for row in model.facts.explanations] == [
        (name, found["faces"]) for name, found in report["explanations"]["by_expression"].items()
    ]
    scores = [each for head in ("raters", "fer2013") for each in report[head]["per_class"].values()]
    for row in [*scores, *report["explanations"]["by_expression"].values()]:
        for value, interval in (in_percent(figure) for name, figure in row.items() if name != "faces"):
            assert re.search(rf">{value}</b> <span class=\"soft[^>]*>{interval}<", text)
    assert len(model.measures) == len(MEASURES)


def test_the_model_card_says_how_raters_are_counted(browser: Client) -> None:
    page = browser.get("/model-card/")
    text, raters = page.content.decode(), json.loads((WEIGHTS / "report.json").read_text())["raters"]
    whole = [
        f"{100 * part['accuracy']['value']:.0f}%" for part in (raters["by_agreement"]["more than five of ten"], raters["barsoum"])
    ]
    said = re.search(r'id="protocol">([^<]+)<', text)
    assert said
    assert "counts every face, also where raters disagree" in said[1]
    assert [value for value in whole if value not in said[1]] == []
    assert [str(name) for name, _ in page.context["model"].agreements] == [str(AGREEMENTS[name]) for name in raters["by_agreement"]]
    for row in raters["by_agreement"].values():
        assert f'<td class="num soft">{row["accuracy"]["n"]}</td>' in text.replace(",", "")
    groups = re.findall(r'<th colspan="3" scope="rowgroup">([^<]+)</th>.*?<b>([\d.]+)</b>', text, re.DOTALL)
    ours = [each["accuracy"] for each in (json.loads((WEIGHTS / "report.json").read_text())["fer2013"], raters["barsoum"], raters)]
    assert [value for _, value in groups] == [f"{100 * each['value']:.1f}" for each in ours]


def test_a_model_that_was_not_measured_says_so(browser: Client, settings: LazySettings, tmp_path: Path) -> None:
    settings.MODEL_DIR = tmp_path
    assert "Not measured yet." in browser.get("/model-card/").content.decode()
    assert browser.get("/model-card/report.json").status_code == 404


@pytest.mark.parametrize("name", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html", "503.html", "seal_broken.html"])
def test_an_error_page_needs_nothing_but_itself(name: str) -> None:
    page = render_to_string(name)
    assert page.count("<h1") == 1
    assert not INLINE.search(page)


def test_a_page_that_is_not_there_is_told_in_our_words(browser: Client) -> None:
    page = browser.get("/nothing/")
    assert page.status_code == 404
    assert "Page not found" in page.content.decode()


def test_the_figure_is_drawn_by_the_version_that_built_it() -> None:
    listed = re.search(
        r"\| plotly-basic\.min\.js \|[^|]*\| ([\d.]+) \|[^|]*\| ([0-9a-f]{64}) \|", (VENDOR / "README.md").read_text()
    )
    assert listed
    version, digest = listed.groups()
    script = (VENDOR / "plotly-basic.min.js").read_bytes()
    assert sha256(script).hexdigest() == digest
    assert f"plotly.js (basic - minified) v{version}".encode() in script[:200]
    bundled = next(file for file in files_of("plotly") or [] if file.name == "plotly.min.js")
    assert f"plotly.js v{version}" in bundled.read_text(encoding="utf-8")[:200]


def test_one_expression_has_one_colour_everywhere() -> None:
    tokens = (settings.BASE_DIR / "static" / "css" / "tokens.css").read_text()
    found = re.findall(r"--e-(\w+): light-dark\((#\w{6}), (#\w{6})\)", tokens)
    assert found == [
        ("angry", "#9A1902", "#EC9689"),
        ("disgust", "#47966D", "#32860A"),
        ("fear", "#BA79E1", "#B148F5"),
        ("happy", "#BD6901", "#FCDF44"),
        ("sad", "#1D4A9C", "#9AB6EF"),
        ("surprise", "#5F1649", "#C54F85"),
        ("neutral", "#8A929C", "#D9DADC"),
    ]
