"""Write docs/model-card.md and its two drawings from model.json and report.json, so that no figure in it is typed by hand.

python -m ml.measure.document --weights ml/weights --out docs/model-card.md
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from pathlib import Path
from string import Formatter

from ml.card_facts import CardFacts, Comparison, Estimate, read_card_facts
from ml.serve.expressions import EXPRESSIONS

TEMPLATE = Path(__file__).parent / "model-card.template.md"
SIDE, MARGIN = 400, 40
PARTS = {
    "robustness": "ml.measure.evaluate --robustness",
    "parity": "ml.measure.parity",
    "explanations": "ml.measure.explanations",
    "cost": "ml.measure.cost",
}
"""The parts of a full report, and the command that measures each."""

HEADS = ("raters", "fer2013")
TRUTHS = {
    "raters": (("FER+ majority", "raters", "raters.ece"), ("FER2013 labels", "raters.against_labels", "")),
    "fer2013": (("FER+ majority", "fer2013.against_majority", ""), ("FER2013 labels", "fer2013", "fer2013.ece")),
}
"""For each head what it is compared with, where accuracy and macro-F1 stand, and the calibration error where it has one."""

FACES = {"all faces": "", "without exact twins": "without_twins.", "without near twins": "without_near_twins."}
"""The sets of validation faces, and where their part of the report stands."""


def percent(figure: Estimate | None) -> str:
    """Return an estimate as a percentage with its interval; a dash for None."""
    return "–" if figure is None else f"{100 * figure.value:.1f} [{100 * figure.low:.1f}, {100 * figure.high:.1f}]"


def plain(figure: Estimate | None) -> str:
    """Return an estimate with three decimals and its interval; a dash for None."""
    return "–" if figure is None else f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def value_percent(figure: Estimate | None) -> str:
    """Return an estimate as a percentage without its interval."""
    return "–" if figure is None else f"{100 * figure.value:.1f}"


def milliseconds(figure: Estimate | None) -> str:
    """Return an estimate in milliseconds with its interval."""
    return "–" if figure is None else f"{figure.value:.1f} [{figure.low:.1f}, {figure.high:.1f}]"


WRITERS = {writer.__name__: writer for writer in (percent, value_percent, plain, milliseconds)}
MEASURES = (
    ("Accuracy, FER2013 labels, %", "fer2013.accuracy", percent),
    ("Macro-F1, FER2013 labels", "fer2013.macro_f1", plain),
    ("Accuracy, FER+ majority; ties and lone votes count, %", "raters.accuracy", percent),
    ("Accuracy, FER+ in the protocol of Barsoum et al. 2016, %", "raters.barsoum.accuracy", percent),
    ("Macro-F1, FER+ majority", "raters.macro_f1", plain),
    ("Calibration error (ECE, 15 bins), named expression", "raters.ece", plain),
    ("the same, class-wise", "raters.ece_classwise", plain),
    ("the same before temperature scaling, named", "raters.ece_uncalibrated", plain),
    ("the same against the votes as cast, named", "raters.ece_as_cast", plain),
    ("the same against the votes as cast, class-wise", "raters.ece_classwise_as_cast", plain),
    ("Log loss against the votes, nats", "raters.log_loss", plain),
)


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *([str(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def measures(facts: CardFacts) -> str:
    """Return the main measures: on all faces, without exact twins of training faces, and without near twins."""
    rows = ((name, *(write(facts.estimates[f"report.{part}{key}"]) for part in FACES.values())) for name, key, write in MEASURES)
    counts = ((name, facts.estimates[f"report.{part}fer2013.accuracy"]) for name, part in FACES.items())
    return table(("measure", *(f"{name} ({accuracy.n})" for name, accuracy in counts if accuracy)), rows)


def heads(facts: CardFacts) -> str:
    """Return each head against its own truth and against the other's."""
    rows = []
    for head, truths in TRUTHS.items():
        for truth, key, ece in truths:
            accuracy, f1 = (facts.estimates[f"report.{key}.{name}"] for name in ("accuracy", "macro_f1"))
            rows.append((f"`{head}`", truth, percent(accuracy), plain(f1), plain(facts.estimates[f"report.{ece}"]) if ece else "–"))
    return table(("head", "against", "accuracy, %", "macro-F1", "ECE"), rows)


def agreements(facts: CardFacts) -> str:
    """Return accuracy and named probability by how many of ten raters agree."""
    head = ("raters who agree", "faces", "accuracy, FER+ majority, %", "probability of the named expression, %")
    rows = (
        (row.raters, row.accuracy.n, percent(row.accuracy), percent(row.named_probability))
        for row in facts.agreements
        if row.accuracy
    )
    return table(head, rows)


def coverage(facts: CardFacts) -> str:
    """Return accuracy and least probability at each coverage."""
    head = ("faces answered, %", "accuracy, FER+ majority, %", "least probability of the named expression")
    return table(head, ((round(100 * row.coverage), percent(row.accuracy), row.least_probability) for row in facts.coverage))


def per_class(facts: CardFacts) -> str:
    """Return recall and precision of each expression, on both label sets."""
    rows = []
    for each in facts.scores:
        cells: list[object] = [each.expression]
        for head in (each.raters, each.fer2013):
            cells += [head.faces, percent(head.recall), percent(head.precision)]
        rows.append(cells)
    return table(("expression", "FER+ faces", "recall, %", "precision, %", "FER2013 faces", "recall, %", "precision, %"), rows)


def confusion(facts: CardFacts) -> str:
    """Return the confusion of the served head in counts."""
    return table(("raters \\ model", *EXPRESSIONS), ((name, *counts) for name, counts in facts.confusion))


def robustness(facts: CardFacts) -> str:
    """Return accuracies on changed faces beside those on the faces as they are."""
    unchanged = ("as they are", *(percent(facts.estimates[f"report.{head}.accuracy"]) for head in HEADS))
    changed = ((row.change, percent(row.raters), percent(row.fer2013)) for row in facts.robustness)
    return table(("faces", "FER+ majority, %", "FER2013 labels, %"), (unchanged, *changed))


def explanations(facts: CardFacts) -> str:
    """Return the sanity checks of the maps, without the expressions that no face shows clearly."""
    rows = ((row.expression, row.faces, plain(row.brows), plain(row.mouth)) for row in facts.explanations)
    return table(("expression", "clear faces", "brows and eyes", "mouth"), rows)


def fairness(facts: CardFacts) -> str:
    """Return the section on counterfactual pairs; a sentence when there is no fairness report of these weights."""
    report = facts.fairness
    if report is None:
        return "There is no fairness report of these weights; `python -m ml.measure.fairness` writes one."

    def row(each: Comparison, mark: str = "") -> tuple[str, ...]:
        return mark + each.name, plain(each.moved), percent(each.renamed), plain(each.intended)

    rows = (*(row(each) for each in report.comparisons), *(row(each, "noise: ") for each in report.noise))
    beyond = [each.name for each in report.comparisons if each.is_beyond_noise]
    lines = [
        f"{report.pictures:,} rendered pictures of {report.meshes} meshes, in pairs that differ in one parameter of appearance.",
        "This probes the reader on rendered faces; it is not a finding about people, and no mesh represents a group of people. The",
        "intended expression is the one we modelled, not a felt emotion. Moved: the part of the probability that goes to other",
        "expressions. Noise: changes that leave the face the same. [fairness.md](fairness.md) has the details and simple remedies.",
        "",
        table(("what differs", "moved", "renamed, %", "intended probability"), rows),
        "",
        f"Clearly more than every kind of noise: {'; '.join(beyond) or 'none'}.",
    ]
    return "\n".join(lines)


def draw(points: Iterable[tuple[float, float, float]], across: str, up: str, lowest: float, diagonal: bool) -> str:
    """Return an SVG of dots (x, y, radius in pixels), x from 0 to 1 and y from `lowest` to 1."""
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


def drawings(facts: CardFacts) -> dict[str, str]:
    """Return the calibration and the risk-coverage drawing by file name."""
    bins = ((row.confidence, row.share, min(2.5 + 0.12 * sqrt(row.faces), 7)) for row in facts.calibration)
    curve = ((point.coverage, point.accuracy, 3.0) for point in facts.risk_curve)
    return {
        "calibration.svg": draw(bins, "what the model says", "raters who agree", 0.0, diagonal=True),
        "risk-coverage.svg": draw(curve, "faces answered", "accuracy, FER+ majority", facts.risk_floor, diagonal=False),
    }


class CardFormatter(Formatter):
    """Fills in `{report.parity.rejected:percent}`: the fact of that key, written by the function of that name."""

    def get_field(self, field_name: str, args: Sequence[object], kwargs: Mapping[str, object]) -> tuple[object, str]:
        """Return the fact, taking the dots of the name as part of its key."""
        return kwargs[field_name], field_name

    def format_field(self, value: object, format_spec: str) -> str:
        """Return an estimate as the function named by `format_spec` writes it, anything else as Python does."""
        write = WRITERS.get(format_spec)
        return write(value) if write and isinstance(value, Estimate | None) else format(value, format_spec)


def document(facts: CardFacts) -> str:
    """Return the card as Markdown.

    Raises ValueError when a part of the report was not measured.
    """
    if missing := [name for name in PARTS if name not in facts.measured_parts]:
        raise ValueError(f"the report lacks {', '.join(missing)}: {', '.join(PARTS.values())} measure that")
    makers = (measures, heads, agreements, coverage, per_class, confusion, robustness, explanations, fairness)
    parts = {maker.__name__: maker(facts) for maker in makers}
    return CardFormatter().vformat(TEMPLATE.read_text(), (), {**facts.scalars, **facts.estimates, **parts})


def main() -> int:
    """Write the card and its drawings. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.measure.document", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, required=True, help="weights folder with a full report.json")
    parser.add_argument("--out", type=Path, required=True, help="file to write; drawings go into a folder of the same name")
    options = parser.parse_args()
    facts = read_card_facts(options.weights)
    options.out.write_text(document(facts))
    folder = options.out.with_suffix("")
    folder.mkdir(exist_ok=True)
    for name, drawn in drawings(facts).items():
        (folder / name).write_text(drawn)
    return 0


if __name__ == "__main__":
    sys.exit(main())
