"""Writes docs/audit.md from what the audit found, so that no figure in it is typed by hand."""

from collections.abc import Iterable
from pathlib import Path
from string import Template

from ml.card_facts import Estimate, with_estimates
from ml.measure.counterfactual_pairs import Json, largest
from ml.measure.document import percent, plain, table
from ml.serve.expressions import EXPRESSIONS

TEMPLATE = Path(__file__).parent / "fairness.template.md"


def points(figure: Estimate | None) -> str:
    """Return a signed difference of shares in points, with its interval."""
    return "–" if figure is None else f"{100 * figure.value:+.1f} [{100 * figure.low:+.1f}, {100 * figure.high:+.1f}]"


def compared(comparisons: dict[str, Json]) -> str:
    """Return one line per comparison."""
    head = ("twins", "pairs", "moved", "renamed, %", "intended, points", "valence")
    rows: Iterable[tuple[object, ...]] = (
        (name, each["pairs"], plain(each["moved"]), percent(each["renamed"]), points(each["intended"]), plain(each["valence"]))
        for name, each in comparisons.items()
    )
    return table(head, rows)


def by_share(comparisons: dict[str, Json], key: str) -> str:
    """Return one line per comparison, one column per expression."""
    rows = ((name, *(points(each[key].get(label)) for label in EXPRESSIONS)) for name, each in comparisons.items())
    return table(("twins", *EXPRESSIONS), rows)


def verdict(found: Json, largest_noise: str) -> str:
    """Return the sentence on what lies beyond the noise floor."""
    beyond = [pair for pair, each in found["comparisons"].items() if each["beyond_noise"]]
    floor = f"The largest disturbance is *{largest_noise}*: it moves {plain(found['noise'][largest_noise]['moved'])}."
    more = "No twins move clearly more: no interval lies above all of the noise."
    if beyond:
        more = f"**Beyond the noise floor** (the whole interval above that of every disturbance): {'; '.join(beyond)}."
    return f"{floor} {more} {one_sided(found)}"


def one_sided(found: Json) -> str:
    """Return the sentence on what shifts the valence index to one side: noise may move as much, and to both."""
    shifts = [
        f"{name} ({each['valence'].value:+.3f})"
        for name, each in {**found["comparisons"], **found["noise"]}.items()
        if each["valence"].low > 0 or each["valence"].high < 0
    ]
    return f"To one side, with an interval clear of zero, the valence index is shifted by: {'; '.join(shifts) or 'nothing'}."


def remedies(found: Json) -> str:
    """Return one line per remedy: the widest pair of tones, the noise, and the price."""
    widest = list_of_tones(found)[-1]
    head = (f"{widest}: moved", "renamed, %", "intended, points", "largest noise, moved", "validation, FER+ majority, %")
    rows = []
    for name, each in found["remedies"].items():
        pair = each["comparisons"][widest]
        figures = (plain(pair["moved"]), percent(pair["renamed"]), points(pair["intended"]), plain(each["largest_noise"]))
        rows.append((name, *figures, percent(each["validation"])))
    return table(("crop", *head), rows)


def list_of_tones(found: Json) -> list[str]:
    """Return the comparisons of tones, the widest last."""
    return [name for name in found["comparisons"] if name.startswith("tone ")]


def conclusion(found: Json) -> str:
    """Return what the remedies do to the widest pair of tones, against the instrument as it ships."""
    widest = list_of_tones(found)[-1]
    (shipped, plain_one), *others = found["remedies"].items()
    before = plain_one["comparisons"][widest]["moved"]
    lines = []
    for name, each in others:
        after, more = each["comparisons"][widest]["moved"], each["comparisons"][widest]["moved_more"]
        word = "clearly less" if more.high < 0 else "clearly more" if more.low > 0 else "no clear difference"
        lines.append(f"{name}: {after.value:.3f}, pair by pair {more.value:+.3f} [{more.low:+.3f}, {more.high:+.3f}], {word}")
    return (
        f"Between the widest tones the shares move, {shipped}, by {before.value:.3f}. With the " + "; with the ".join(lines) + "."
    )


def document_audit(found: Json) -> str:
    """Return docs/audit.md."""
    largest_noise, _ = largest(found["noise"])
    found = with_estimates(found)
    return Template(TEMPLATE.read_text()).substitute(
        version=found["model_version"],
        meshes=found["meshes"],
        pictures=found["pictures"],
        read=found["read"],
        noise=compared(found["noise"]),
        twins=compared(found["comparisons"]),
        verdict=verdict(found, largest_noise),
        shares=by_share(found["comparisons"], "shares"),
        by_expression=by_share(found["comparisons"], "intended_by_expression"),
        remedies=remedies(found),
        conclusion=conclusion(found),
    )
