"""Write docs/model-card.md and its two drawings from model.json and report.json, so that no figure in it is typed by hand.

python -m ml.measure.document --weights ml/weights --out docs/model-card.md
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from math import sqrt
from pathlib import Path
from string import Template
from typing import Any

from ml.serve.expressions import EXPRESSIONS

TEMPLATE = Path(__file__).parent / "model-card.template.md"
SIDE, MARGIN = 400, 40
PARTS = {
    "robustness": "ml.measure.evaluate --robustness",
    "parity": "ml.measure.parity",
    "explanations": "ml.measure.explanations",
    "cost": "ml.measure.cost",
}
"""Parts of a full report, and what writes them."""

Json = Mapping[str, Any]  # Any: JSON


def percent(figure: Json | None) -> str:
    """Return an estimate as a percentage with its interval."""
    return "–" if figure is None else "{:.1f} [{:.1f}, {:.1f}]".format(*(100 * figure[key] for key in ("value", "low", "high")))


def plain(figure: Json | None) -> str:
    """Return an estimate with three places and its interval."""
    return "–" if figure is None else "{:.3f} [{:.3f}, {:.3f}]".format(*(figure[key] for key in ("value", "low", "high")))


def milliseconds(figure: Json) -> str:
    """Return an estimate in milliseconds with its interval."""
    return "{value:.1f} [{low:.1f}, {high:.1f}]".format(**figure)


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *([str(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def measures(report: Json) -> str:
    """Return the chief figures: all faces, without exact and without near twins."""
    parts = [report, report["without_twins"], report["without_near_twins"]]
    rows = [
        ("Accuracy, FER2013 labels, %", *(percent(part["fer2013"]["accuracy"]) for part in parts)),
        ("Macro-F1, FER2013 labels", *(plain(part["fer2013"]["macro_f1"]) for part in parts)),
        ("Accuracy, FER+ majority, %", *(percent(part["raters"]["accuracy"]) for part in parts)),
        ("Macro-F1, FER+ majority", *(plain(part["raters"]["macro_f1"]) for part in parts)),
        ("Calibration error (ECE, 15 bins), named expression", *(plain(part["raters"]["ece"]) for part in parts)),
        ("the same, class-wise", *(plain(part["raters"]["ece_classwise"]) for part in parts)),
        ("the same before temperature scaling, named", *(plain(part["raters"]["ece_uncalibrated"]) for part in parts)),
        ("the same against the votes as cast, named", *(plain(part["raters"]["ece_as_cast"]) for part in parts)),
        ("the same against the votes as cast, class-wise", *(plain(part["raters"]["ece_classwise_as_cast"]) for part in parts)),
        ("Log loss against the votes, nats", *(plain(part["raters"]["log_loss"]) for part in parts)),
    ]
    counts = (part["fer2013"]["accuracy"]["n"] for part in parts)
    names = ("all faces", "without exact twins", "without near twins")
    return table(["measure", *(f"{name} ({n})" for name, n in zip(names, counts, strict=True))], rows)


def coverage(report: Json) -> str:
    """Return accuracy and least share at each coverage."""
    rows = report["raters"]["coverage"]
    head = ("faces answered, %", "accuracy, FER+ majority, %", "least share of the named expression")
    return table(head, ((round(100 * row["coverage"]), percent(row["accuracy"]), row["least_probability"]) for row in rows))


def per_class(report: Json) -> str:
    """Return recall and precision of each expression, on both label sets."""
    rows = []
    for name in EXPRESSIONS:
        cells: list[object] = [name]
        for head in ("raters", "fer2013"):
            figures = report[head]["per_class"][name]
            cells += [figures["faces"], percent(figures["recall"]), percent(figures["precision"])]
        rows.append(cells)
    return table(("expression", "FER+ faces", "recall, %", "precision, %", "FER2013 faces", "recall, %", "precision, %"), rows)


def confusion(report: Json) -> str:
    """Return the confusion of the served head in counts."""
    counts = report["raters"]["confusion"]["rows_are_truth"]
    rows = ([name, *row] for name, row in zip(EXPRESSIONS, counts, strict=True))
    return table(("raters say \\ model says", *EXPRESSIONS), rows)


def robustness(report: Json) -> str:
    """Return accuracies on changed faces beside those on the faces as they are."""
    plain_row = ("as they are", percent(report["raters"]["accuracy"]), percent(report["fer2013"]["accuracy"]))
    changed = ((name, percent(found["raters"]), percent(found["fer2013"])) for name, found in report["robustness"].items())
    return table(("faces", "FER+ majority, %", "FER2013 labels, %"), (plain_row, *changed))


def explanations(report: Json) -> str:
    """Return the sanity checks of the maps."""
    by_expression = report["explanations"]["by_expression"]  # without those that no face shows clearly
    rows = ((name, found["faces"], plain(found["brows"]), plain(found["mouth"])) for name, found in by_expression.items())
    return table(("expression", "clear faces", "brows and eyes", "mouth"), rows)


def audit(found: Json | None) -> str:
    """Return what rendered twins that differ in one parameter say; a sentence where these weights were not audited."""
    if found is None:
        return "These weights were not read on rendered twins; `python -m ml.measure.fairness` does it."
    beyond = [name for name, each in found["comparisons"].items() if each["beyond_noise"]]
    parts = (("", found["comparisons"]), ("noise: ", found["noise"]))
    rows = (
        (mark + name, plain(each["moved"]), percent(each["renamed"]), plain(each["intended"]))
        for mark, pairs in parts
        for name, each in pairs.items()
    )
    lines = [
        f"{found['read']:,} rendered pictures of {found['meshes']} meshes: twins that differ in one parameter of appearance. A",
        "probe of the instrument on rendered faces, not a finding about people; the parameters are a mesh's and stand for nobody,",
        "the intended expression is our recipe, not felt emotion. Moved: the part of the shares that goes elsewhere. Noise: what",
        "moves although nobody would call it another face. [audit.md](audit.md) tells all of it, and what cheap remedies do.",
        "",
        table(("what differs", "moved", "another name first, %", "intended share"), rows),
        "",
        f"Clearly more than every noise: {'; '.join(beyond) or 'none'}.",
    ]
    return "\n".join(lines)


def draw(points: Iterable[tuple[float, float, float]], across: str, up: str, lowest: float, diagonal: bool) -> str:
    """Return a drawing of (x, y, radius), x from 0 to 1 and y from `lowest` to 1."""
    room = SIDE - 2 * MARGIN

    def place(x: float, y: float) -> tuple[str, str]:
        return f"{MARGIN + room * x:.1f}", f"{SIDE - MARGIN - room * (y - lowest) / (1 - lowest):.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}" font-family="sans-serif" font-size="12" fill="#555">',
        f'<rect width="{SIDE}" height="{SIDE}" fill="#fff"/>',
        f'<path d="M{MARGIN} {MARGIN}V{SIDE - MARGIN}H{SIDE - MARGIN}" fill="none" stroke="#999"/>',
    ]
    if diagonal:
        parts.append(f'<path d="M{MARGIN} {SIDE - MARGIN}L{SIDE - MARGIN} {MARGIN}" stroke="#999" stroke-dasharray="4"/>')
    for x, y, radius in points:
        left, top = place(x, y)
        parts.append(f'<circle cx="{left}" cy="{top}" r="{radius:.1f}" fill="#2f6f8f"/>')
    parts += [
        f'<text x="{SIDE / 2}" y="{SIDE - 10}" text-anchor="middle">{across}, 0 to 100 %</text>',
        f'<text x="{MARGIN}" y="{MARGIN - 14}">{up}, {100 * lowest:.0f} to 100 %</text></svg>',
    ]
    return "\n".join(parts) + "\n"


def drawings(report: Json) -> dict[str, str]:
    """Return the calibration and the risk-coverage drawing by file name."""
    bins = ((row["confidence"], row["share"], min(2.5 + 0.12 * sqrt(row["faces"]), 7)) for row in report["raters"]["reliability"])
    curve = [(row["coverage"], row["accuracy"], 3.0) for row in report["raters"]["risk_curve"]]
    lowest = int(10 * min(accuracy for _, accuracy, _ in curve)) / 10
    return {
        "calibration.svg": draw(bins, "what the model says", "raters who agree", 0.0, diagonal=True),
        "risk-coverage.svg": draw(curve, "faces answered", "accuracy, FER+ majority", lowest, diagonal=False),
    }


def document(model: Json, report: Json, audited: Json | None = None) -> str:
    """Return the card as Markdown. An audit of other weights is left out.

    Raises ValueError when a part of the report was not measured.
    """
    if missing := [name for name in PARTS if not report.get(name)]:
        raise ValueError(f"the report lacks {', '.join(missing)}: {', '.join(PARTS.values())} measure that")
    parity, cost, raters = report["parity"], report["cost"], report["raters"]
    facts = {
        "version": model["version"],
        "sha256": model["keras_sha256"],
        "parameters": f"{report['parameters']:,}",
        "faces": f"{report['faces']['count']:,}",
        "exact_twins": report["faces"]["exact_twins_in_train"],
        "near_twins": report["faces"]["near_twins_in_train"],
        "left_out": raters["left_out"]["majority_is_none_of_seven"],
        "entropy": plain(raters["log_loss_of_the_votes_themselves"]),
        **{name: f"{100 * share['value']:.1f}" for name, share in raters["named_share"].items()},
        "named_alike": percent(report["rounding"]["named_alike"]),
        **{name: f"{report['rounding'][name]:.3f}" for name in ("mean_difference", "largest_difference")},
        "temperature": model["temperature"],
        "abstain_below": f"{model['abstain_below']:g}",
        "answered": percent(report["abstention"]["coverage"]),
        "answered_right": percent(report["abstention"]["accuracy"]),
        "parity_faces": parity["faces"],
        **{name: percent(parity[name]) for name in ("not_found", "to_choose", "rejected")},
        **{f"{name}_{head}": percent(share) for name in ("kept", "kept_of_all") for head, share in parity[name].items()},
        "processor": cost["processor"],
        **{f"cost_{name}": milliseconds(cost[name]) for name in ("face", "photo_640x480", "photo_4000x3000")},
        "shuffled": plain(report["explanations"]["correlation_when_shuffled"]),
        "fer2013_accuracy": percent(report["fer2013"]["accuracy"]),
        "raters_accuracy": percent(raters["accuracy"]),
        "audit": audit(audited if audited and audited.get("weights_sha256") == model["onnx_sha256"] else None),
    }
    makers = (measures, coverage, per_class, confusion, robustness, explanations)
    return Template(TEMPLATE.read_text()).substitute(facts, **{maker.__name__: maker(report) for maker in makers})


def main() -> int:
    """Write the card and its drawings. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.measure.document", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, required=True, help="weights folder with a full report.json")
    parser.add_argument("--out", type=Path, required=True, help="file to write; drawings go into a folder of the same name")
    options = parser.parse_args()
    model, report = (json.loads((options.weights / name).read_text()) for name in ("model.json", "report.json"))
    audited = options.weights / "audit.json"
    options.out.write_text(document(model, report, json.loads(audited.read_text()) if audited.exists() else None))
    folder = options.out.with_suffix("")
    folder.mkdir(exist_ok=True)
    for name, drawn in drawings(report).items():
        (folder / name).write_text(drawn)
    return 0


if __name__ == "__main__":
    sys.exit(main())
