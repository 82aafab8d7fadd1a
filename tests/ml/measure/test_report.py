"""The weights that ship: hashes, report and documents fit together."""

import csv
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml.card_facts import card_facts, read_card_facts
from ml.measure.document import document, drawings
from ml.measure.fairness_document import document_fairness
from ml.serve.card import load_card
from ml.serve.detector import DETECTOR_SHA256
from ml.serve.expressions import EXPRESSIONS
from ml.serve.quality import QualityLimits
from ml.serve.reader import WEIGHTS

CARD = json.loads((WEIGHTS / "model.json").read_text())
REPORT = json.loads((WEIGHTS / "report.json").read_text())
FAIRNESS = json.loads((WEIGHTS / "fairness.json").read_text())
DOCS = Path(__file__).parents[3] / "docs"
KEYS_DOCUMENT = (DOCS / "evaluation.md").read_text()


def test_hashes_are_those_of_the_files() -> None:
    card = load_card(WEIGHTS)
    files = {"model.keras": card.keras_sha256, "model.onnx": card.onnx_sha256, **DETECTOR_SHA256}
    assert {name: hashlib.sha256((WEIGHTS / name).read_bytes()).hexdigest() for name in files} == files


def test_report_is_of_these_weights() -> None:
    card = load_card(WEIGHTS)
    measured = REPORT["model_version"], REPORT["engine"], REPORT["weights_sha256"]
    assert measured == (card.version, "onnx", card.onnx_sha256)
    assert re.fullmatch(r"\d+\.\d+\.\d+", card.version)
    assert REPORT["split"] == "validation"


def estimates(part: object) -> Iterator[dict[str, float]]:
    """Yield every estimate below `part`."""
    if isinstance(part, dict) and {"value", "low", "high"} <= part.keys():
        yield part
    elif isinstance(part, dict | list):
        for inner in part.values() if isinstance(part, dict) else part:
            yield from estimates(inner)


def test_every_interval_holds_its_value() -> None:
    found = list(estimates(REPORT))
    assert len(found) > 100
    assert [each for each in found if not each["low"] <= each["value"] <= each["high"]] == []


def test_card_holds_the_limits_of_the_code() -> None:
    assert load_card(WEIGHTS).limits == QualityLimits()


def test_every_key_of_the_report_is_documented() -> None:
    names = {*REPORT, *REPORT["fer2013"], *REPORT["raters"], *REPORT["raters"]["left_out"]} - {"majority_is_none_of_seven"}
    assert {name for name in names if name not in KEYS_DOCUMENT} - {"without_votes"} == set()


def test_every_measure_of_a_head_is_documented() -> None:
    heads = REPORT["raters"] | REPORT["fer2013"]
    nested = {inner for part in ("barsoum", "against_labels", "against_majority") for inner in heads[part]}
    nested |= {inner for row in heads["by_agreement"].values() for inner in row}
    assert {name for name in nested if f".{name}" not in KEYS_DOCUMENT} == set()


def test_published_figures_stand_beside_ours_in_their_protocol() -> None:
    card = (DOCS / "model-card.md").read_text()
    parts = dict(part.split("\n", 1) for part in card.split("\n### ")[1:])
    for name, (figure, theirs) in {
        "FER2013 labels, seven classes": (REPORT["fer2013"]["accuracy"], "71.2"),
        "FER+ in the protocol of Barsoum et al. 2016, eight classes": (REPORT["raters"]["barsoum"]["accuracy"], "85.0"),
        "FER+ majority with ties and lone votes, seven classes": (REPORT["raters"]["accuracy"], "70"),
    }.items():
        assert f"| **this network** | **{100 * figure['value']:.1f} [" in parts[name]
        assert f"| {theirs} |" in parts[name]


def test_every_expression_has_its_recall() -> None:
    for head in ("fer2013", "raters"):
        assert list(REPORT[head]["per_class"]) == list(EXPRESSIONS)
        assert [set(figures) for figures in REPORT[head]["per_class"].values()] == [{"faces", "recall", "precision"}] * 7


def test_document_and_drawings_are_of_these_weights() -> None:
    card = DOCS / "model-card.md"
    facts = read_card_facts(WEIGHTS)
    assert card.read_text() == document(facts)
    assert {path.name: path.read_text() for path in card.with_suffix("").iterdir()} == drawings(facts)


def test_fairness_document_and_table_are_of_the_report() -> None:
    assert (DOCS / "fairness.md").read_text() == document_fairness(FAIRNESS)
    with (DOCS / "fairness.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert (len(rows), sum(row["outcome"] == "done" for row in rows)) == (FAIRNESS["pictures"], FAIRNESS["read"])
    assert len({row["mesh"] for row in rows}) == FAIRNESS["meshes"]
    assert {row["tone"] for row in rows} == set("ABCDE")
    assert {row["expression"] for row in rows} == set(EXPRESSIONS)


def test_fairness_report_of_other_weights_is_left_out_of_the_card() -> None:
    other = FAIRNESS | {"weights_sha256": "of another file"}
    assert "There is no fairness report of these weights" in document(card_facts(CARD, REPORT, other))


def test_report_that_lacks_a_part_makes_no_document() -> None:
    with pytest.raises(ValueError, match=r"lacks parity: .*ml\.measure\.parity"):
        document(card_facts(CARD, REPORT | {"parity": None}, FAIRNESS))


def test_other_figure_makes_another_document() -> None:
    changed = json.loads(json.dumps(REPORT))
    changed["raters"]["accuracy"]["value"] = 0.123
    assert "12.3 [" in document(card_facts(CARD, changed, {}))
