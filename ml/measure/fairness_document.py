"""Write docs/fairness.md from fairness.json, so that no figure in it is typed by hand."""

from collections.abc import Iterable
from pathlib import Path
from string import Template

from ml.card_facts import Estimate, with_estimates
from ml.measure.counterfactual_pairs import Json, largest_noise
from ml.measure.document import percent, plain, table
from ml.serve.expressions import EXPRESSIONS

TEMPLATE = Path(__file__).parent / "fairness.template.md"


def points(figure: Estimate | None) -> str:
    """Return a signed difference of probabilities in percentage points, with its interval; a dash for None."""
    return "–" if figure is None else f"{100 * figure.value:+.1f} [{100 * figure.low:+.1f}, {100 * figure.high:+.1f}]"


def compared(comparisons: dict[str, Json]) -> str:
    """Return a table with one row per comparison."""
    head = ("what differs", "pairs", "moved", "renamed, %", "intended, points", "valence")
    rows: Iterable[tuple[object, ...]] = (
        (name, each["pairs"], plain(each["moved"]), percent(each["renamed"]), points(each["intended"]), plain(each["valence"]))
        for name, each in comparisons.items()
    )
    return table(head, rows)


def by_expression(comparisons: dict[str, Json], key: str) -> str:
    """Return a table with one row per comparison and one column per expression."""
    rows = ((name, *(points(each[key].get(label)) for label in EXPRESSIONS)) for name, each in comparisons.items())
    return table(("what differs", *EXPRESSIONS), rows)


def verdict(report: Json, loudest: str) -> str:
    """Return the sentences on which comparisons lie beyond the noise floor, and which shift the valence index."""
    beyond = [pair for pair, each in report["comparisons"].items() if each["beyond_noise"]]
    floor = f"The largest disturbance is *{loudest}*: it moves {plain(report['noise'][loudest]['moved'])}."
    more = "No pairs move clearly more: no interval lies above all of the noise."
    if beyond:
        more = f"**Beyond the noise floor** (the whole interval above that of every disturbance): {'; '.join(beyond)}."
    return f"{floor} {more} {one_sided(report)}"


def one_sided(report: Json) -> str:
    """Return the sentence on what shifts the valence index in one direction; noise may move as much, but in both directions."""
    shifts = [
        f"{name} ({each['valence'].value:+.3f})"
        for name, each in {**report["comparisons"], **report["noise"]}.items()
        if each["valence"].low > 0 or each["valence"].high < 0
    ]
    return f"The valence index is shifted in one direction, with an interval clear of zero, by: {'; '.join(shifts) or 'nothing'}."


def remedies(report: Json) -> str:
    """Return a table with one row per remedy: the widest pair of tones, the largest noise, and the accuracy on real faces."""
    widest = list_of_tones(report)[-1]
    head = (f"{widest}: moved", "renamed, %", "intended, points", "largest noise, moved", "validation, FER+ majority, %")
    rows = []
    for name, each in report["remedies"].items():
        pair = each["comparisons"][widest]
        figures = (plain(pair["moved"]), percent(pair["renamed"]), points(pair["intended"]), plain(each["largest_noise"]))
        rows.append((name, *figures, percent(each["validation"])))
    return table(("crop", *head), rows)


def list_of_tones(report: Json) -> list[str]:
    """Return the names of the comparisons of skin tones, the widest last."""
    return [name for name in report["comparisons"] if name.startswith("tone ")]


def conclusion(report: Json) -> str:
    """Return the sentence on what the remedies do to the widest pair of tones, against the reader as it ships."""
    widest = list_of_tones(report)[-1]
    (shipped, plain_one), *others = report["remedies"].items()
    before = plain_one["comparisons"][widest]["moved"]
    lines = []
    for name, each in others:
        after, more = each["comparisons"][widest]["moved"], each["comparisons"][widest]["moved_more"]
        result = "clearly less" if more.high < 0 else "clearly more" if more.low > 0 else "no clear difference"
        lines.append(f"{name}: {after.value:.3f}, pair by pair {more.value:+.3f} [{more.low:+.3f}, {more.high:+.3f}], {result}")
    return (
        f"Between the widest tones the probabilities move, {shipped}, by {before.value:.3f}. With the "
        + "; with the ".join(lines)
        + "."
    )


def document_fairness(report: Json) -> str:
    """Return the text of docs/fairness.md."""
    loudest, _ = largest_noise(report["noise"])
    report = with_estimates(report)
    return Template(TEMPLATE.read_text()).substitute(
        version=report["model_version"],
        meshes=report["meshes"],
        pictures=report["pictures"],
        read=report["read"],
        noise=compared(report["noise"]),
        pairs=compared(report["comparisons"]),
        verdict=verdict(report, loudest),
        probabilities=by_expression(report["comparisons"], "probabilities"),
        by_expression=by_expression(report["comparisons"], "intended_by_expression"),
        remedies=remedies(report),
        conclusion=conclusion(report),
    )
