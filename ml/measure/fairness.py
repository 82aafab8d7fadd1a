"""How the instrument reacts to appearance alone: twins of rendered faces that differ in one parameter, read and compared.

    python -m ml.measure.fairness --pictures var-audit
    python -m ml.measure.fairness --pictures var-audit --data fer2013.zip --votes fer2013_ferplus.csv

A probe of the reader on rendered faces, not a finding about people. Reads the pictures that `tools.cohort.twins` makes, and
writes docs/audit.csv (parameters and shares of every picture), audit.json beside the weights, and docs/audit.md. With the data
it also tells what each remedy costs on validation faces.
"""

import argparse
import csv
import io
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ml.data import join_votes, load_split, rater_majority, read_votes
from ml.intervals import Estimate, mean_of
from ml.measure.calibrate import all_logits
from ml.measure.counterfactual_pairs import Json, Pairs, compare, is_beyond, largest, over_meshes
from ml.measure.disturb import DISTURBANCES, equalised, levelled, stretched
from ml.measure.fairness_document import document_audit
from ml.measure.report import tell_unreadable
from ml.serve.expressions import EXPRESSIONS, HEADS
from ml.serve.preprocess import Pixels
from ml.serve.reader import WEIGHTS, FaceReader

DOCS = Path(__file__).resolve().parents[2] / "docs"
MIDDLE = "C"
"""The skin tone that others are compared with."""
SHIPPED = "as it ships"
COLUMNS = ("file", "mesh", "expression", "tone", "varied", "value", "sex", "age")

Remedy = Callable[[Pixels], Pixels]
Key = tuple[int, str]  # mesh and expression: what twins share


@dataclass(frozen=True)
class Seen:
    """One picture as the reader saw it: its parameters, how the reading ended, and the 48x48 crop (None: not read)."""

    parameters: Json
    outcome: str
    crop: Pixels | None

    @property
    def key(self) -> Key:
        """Return what its twins have in common with it."""
        return self.parameters["mesh"], self.parameters["expression"]


def whole_meshes(index: list[Json]) -> list[Json]:
    """Return the pictures of those meshes that have every expression in every tone."""
    plain = Counter(parameters["mesh"] for parameters in index if not parameters["varied"])
    return [parameters for parameters in index if plain[parameters["mesh"]] == max(plain.values())]


class Audit:
    """The pictures of one folder, read with one set of weights."""

    def __init__(self, reader: FaceReader, folder: Path) -> None:
        self.reader, self.folder = reader, folder
        self.index = whole_meshes(json.loads((folder / "index.json").read_text()))
        self.seen = [self.look(parameters) for parameters in self.index]
        self.plain = self.of_tone(MIDDLE)
        self.disturbed = {
            name: [self.look(each.parameters, change) for each in self.plain] for name, change in DISTURBANCES.items()
        }

    def look(self, parameters: Json, change: Callable[[Image.Image], Image.Image] | None = None) -> Seen:
        """Return one picture as it is found and cropped, changed before if asked."""
        with Image.open(self.folder / parameters["file"]) as file:
            photo = file.convert("RGB")
        reading = self.reader.read(change(photo) if change else photo)
        if reading.input_png is None:
            return Seen(parameters, str(reading.reason or reading.outcome), None)
        with Image.open(io.BytesIO(reading.input_png)) as crop:
            return Seen(parameters, str(reading.outcome), np.asarray(crop))

    def pair(self, first: Iterable[Seen], second: Iterable[Seen], remedy: Remedy | None = None) -> Pairs:
        """Return the pairs of which both twins were read."""
        others = {each.key: each for each in second if each.crop is not None}
        both = [(each, others[each.key]) for each in first if each.crop is not None and each.key in others]
        return Pairs(
            np.array([one.parameters["mesh"] for one, _ in both]),
            np.array([EXPRESSIONS.index(one.parameters["expression"]) for one, _ in both]),
            np.array([self.shares(one, remedy) for one, _ in both]),
            np.array([self.shares(other, remedy) for _, other in both]),
        )

    def shares(self, seen: Seen, remedy: Remedy | None = None) -> tuple[float, ...]:
        """Return the seven shares of a picture that was read."""
        assert seen.crop is not None
        return self.reader.shares_of(remedy(seen.crop) if remedy else seen.crop)

    def of_tone(self, tone: str) -> list[Seen]:
        """Return the plain pictures of one skin tone."""
        return [each for each in self.seen if each.parameters["tone"] == tone and not each.parameters["varied"]]

    def varied(self, name: str) -> list[Seen]:
        """Return the pictures in which this was varied."""
        return [each for each in self.seen if each.parameters["varied"] == name]

    def ordered(self, name: str) -> tuple[list[Seen], list[Seen]]:
        """Return the twins of `sex` or `age`, those with the lower value first."""
        twins = {each.key: each for each in self.varied(name)}
        both = [sorted((each, twins[each.key]), key=lambda one: one.parameters[name]) for each in self.plain if each.key in twins]
        return [low for low, _ in both], [high for _, high in both]

    def pairs(self, remedy: Remedy | None = None) -> dict[str, Pairs]:
        """Return the pairs of every comparison of appearance that has any."""
        tones = sorted({each.parameters["tone"] for each in self.seen})
        twins = {f"tone {tone} instead of {MIDDLE}": (self.plain, self.of_tone(tone)) for tone in tones if tone != MIDDLE}
        twins[f"tone {tones[-1]} instead of {tones[0]}"] = (self.of_tone(tones[0]), self.of_tone(tones[-1]))
        twins["a man's mesh instead of a woman's"] = self.ordered("sex")
        twins["an old mesh instead of a young one"] = self.ordered("age")
        made = {name: self.pair(*both, remedy) for name, both in twins.items()}
        return {name: found for name, found in made.items() if len(found.meshes)}

    def noise(self, remedy: Remedy | None = None) -> dict[str, Json]:
        """Return what moves the shares although nobody would call it another face."""
        made = {
            "another seed of the renderer": self.pair(self.plain, self.varied("seed"), remedy),
            "head turned by 2 degrees": self.pair(self.plain, self.varied("yaw"), remedy),
        }
        made |= {name: self.pair(self.plain, pictures, remedy) for name, pictures in self.disturbed.items()}
        return {name: compare(found) for name, found in made.items() if len(found.meshes)}

    def rows(self) -> Iterable[list[object]]:
        """Yield the lines of the table: parameters, outcome and shares."""
        yield [*COLUMNS, "outcome", *EXPRESSIONS]
        for each in self.seen:
            shares = [f"{share:.4f}" for share in self.shares(each)] if each.crop is not None else [""] * len(EXPRESSIONS)
            yield [*(each.parameters[column] for column in COLUMNS), each.outcome, *shares]


def remedies(reader: FaceReader) -> dict[str, Remedy | None]:
    """Return what can be done to a crop without training."""
    normaliser = reader.card.normaliser
    return {
        SHIPPED: None,
        "crop stretched to full contrast": stretched,
        "crop levelled to the training mean": partial(levelled, mean=normaliser.mean, deviation=normaliser.deviation),
        "crop half equalised": equalised,
    }


def validation_accuracy(reader: FaceReader, data: Path, votes: Path, remedy: Remedy | None) -> Estimate | None:
    """Return how often the served head names the raters' majority on validation faces, each changed as the remedy does."""
    faces = join_votes(load_split(data, "validation"), read_votes(votes))
    assert faces.votes is not None
    majority, _ = rater_majority(faces.votes)
    if remedy is not None:
        faces = replace(faces, pixels=np.stack([remedy(each) for each in faces.pixels]))
    logits = all_logits(reader.engine, faces, reader.card.normaliser)[HEADS.index(reader.card.served_head)]
    known = majority >= 0
    return mean_of(logits[known].argmax(axis=1) == majority[known])


def remedied(treated: Pairs, shipped: Pairs) -> Json:
    """Return what twins differ by with a remedy, and by how much more they move than the same twins do without it."""
    found = compare(treated)
    more = over_meshes(treated.moved - shipped.moved, treated.meshes)
    return {key: found[key] for key in ("moved", "renamed", "intended")} | {"moved_more": more}


def measure(audit: Audit, data: Path | None, votes: Path | None) -> Json:
    """Return everything that audit.json holds."""
    noise, shipped = audit.noise(), audit.pairs()
    comparisons = {name: compare(pairs) for name, pairs in shipped.items()}
    tried = {}
    for name, remedy in remedies(audit.reader).items():
        treated = shipped if remedy is None else audit.pairs(remedy)
        floor = noise if remedy is None else audit.noise(remedy)
        tried[name] = {
            "comparisons": {pair: remedied(pairs, shipped[pair]) for pair, pairs in treated.items()},
            "largest_noise": largest(floor)[1],
            "validation": validation_accuracy(audit.reader, data, votes, remedy) if data and votes else None,
        }
    return {
        "model_version": audit.reader.model_version,
        "weights_sha256": audit.reader.engine.sha256,
        "pictures": len(audit.seen),
        "read": sum(each.crop is not None for each in audit.seen),
        "meshes": len({each.parameters["mesh"] for each in audit.seen}),
        "comparisons": {name: found | {"beyond_noise": is_beyond(found, noise)} for name, found in comparisons.items()},
        "noise": noise,
        "remedies": tried,
    }


@tell_unreadable()
def main() -> int:
    """Read, compare and write. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.measure.fairness", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--pictures", type=Path, required=True, help="folder of tools.cohort.twins")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--docs", type=Path, default=DOCS, help="where audit.md and audit.csv go")
    parser.add_argument("--data", type=Path, help="FER2013, to tell what the remedies cost")
    parser.add_argument("--votes", type=Path, help="FER+")
    options = parser.parse_args()
    audit = Audit(FaceReader(options.weights), options.pictures)
    found: dict[str, Any] = measure(audit, options.data, options.votes)
    with (options.docs / "audit.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(audit.rows())
    (options.weights / "audit.json").write_text(json.dumps(found, indent=1) + "\n")
    (options.docs / "audit.md").write_text(document_audit(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
