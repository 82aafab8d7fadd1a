"""The fairness report: counterfactual pairs of rendered faces that differ in one parameter of appearance, read and compared.

    python -m ml.measure.fairness --pictures var-pairs
    python -m ml.measure.fairness --pictures var-pairs --data fer2013.zip --votes fer2013_ferplus.csv

This probes the reader on rendered faces; it is not a finding about people. It reads the pictures that
`tools.cohort.counterfactual_pairs` renders, and writes docs/fairness.csv (parameters and probabilities of every picture),
fairness.json beside the weights, and docs/fairness.md. With the data it also measures what each remedy costs on validation faces.
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
from ml.measure.counterfactual_pairs import Json, Pairs, compare, is_beyond, largest_noise, mean_over_meshes
from ml.measure.disturb import DISTURBANCES, equalise_half, match_mean_and_deviation, stretch_contrast
from ml.measure.fairness_document import document_fairness
from ml.measure.report import tell_unreadable
from ml.serve.expressions import EXPRESSIONS, HEADS
from ml.serve.preprocess import Pixels
from ml.serve.reader import WEIGHTS, FaceReader

DOCS = Path(__file__).resolve().parents[2] / "docs"
MIDDLE = "C"
"""The skin tone that the others are compared with."""
SHIPPED = "as it ships"
COLUMNS = ("file", "mesh", "expression", "tone", "varied", "value", "sex", "age")

Remedy = Callable[[Pixels], Pixels]
Key = tuple[int, str]  # mesh and expression: the two pictures of a pair share it


@dataclass(frozen=True)
class PictureReading:
    """How one picture was read: its parameters, the outcome or reason, and the crop (48, 48); None when it was not read."""

    parameters: Json
    outcome: str
    crop: Pixels | None

    @property
    def key(self) -> Key:
        """Return what both pictures of a pair have in common."""
        return self.parameters["mesh"], self.parameters["expression"]


def complete_meshes(index: list[Json]) -> list[Json]:
    """Return the pictures of those meshes that have every expression in every tone."""
    plain = Counter(parameters["mesh"] for parameters in index if not parameters["varied"])
    return [parameters for parameters in index if plain[parameters["mesh"]] == max(plain.values())]


class FairnessStudy:
    """The pictures of one folder, read with one set of weights."""

    def __init__(self, reader: FaceReader, folder: Path) -> None:
        self.reader, self.folder = reader, folder
        self.index = complete_meshes(json.loads((folder / "index.json").read_text()))
        self.readings = [self.read_picture(parameters) for parameters in self.index]
        self.plain = self.of_tone(MIDDLE)
        self.disturbed = {
            name: [self.read_picture(each.parameters, change) for each in self.plain] for name, change in DISTURBANCES.items()
        }

    def read_picture(self, parameters: Json, change: Callable[[Image.Image], Image.Image] | None = None) -> PictureReading:
        """Return the reading of one picture, after `change` if one is given."""
        with Image.open(self.folder / parameters["file"]) as file:
            photo = file.convert("RGB")
        reading = self.reader.read(change(photo) if change else photo)
        if reading.input_png is None:
            return PictureReading(parameters, str(reading.reason or reading.outcome), None)
        with Image.open(io.BytesIO(reading.input_png)) as crop:
            return PictureReading(parameters, str(reading.outcome), np.asarray(crop))

    def pair(self, first: Iterable[PictureReading], second: Iterable[PictureReading], remedy: Remedy | None = None) -> Pairs:
        """Return the pairs of which both pictures were read."""
        others = {each.key: each for each in second if each.crop is not None}
        both = [(each, others[each.key]) for each in first if each.crop is not None and each.key in others]
        return Pairs(
            np.array([one.parameters["mesh"] for one, _ in both]),
            np.array([EXPRESSIONS.index(one.parameters["expression"]) for one, _ in both]),
            np.array([self.probabilities(one, remedy) for one, _ in both]),
            np.array([self.probabilities(other, remedy) for _, other in both]),
        )

    def probabilities(self, reading: PictureReading, remedy: Remedy | None = None) -> tuple[float, ...]:
        """Return the seven probabilities of a picture that was read, in label order."""
        assert reading.crop is not None
        return self.reader.probabilities_of(remedy(reading.crop) if remedy else reading.crop)

    def of_tone(self, tone: str) -> list[PictureReading]:
        """Return the plain pictures of one skin tone."""
        return [each for each in self.readings if each.parameters["tone"] == tone and not each.parameters["varied"]]

    def varied(self, name: str) -> list[PictureReading]:
        """Return the pictures in which the parameter `name` was varied."""
        return [each for each in self.readings if each.parameters["varied"] == name]

    def ordered(self, name: str) -> tuple[list[PictureReading], list[PictureReading]]:
        """Return both sides of the pairs that differ in `sex` or `age`, the lower value first."""
        varied = {each.key: each for each in self.varied(name)}
        both = [sorted((each, varied[each.key]), key=lambda one: one.parameters[name]) for each in self.plain if each.key in varied]
        return [low for low, _ in both], [high for _, high in both]

    def pairs(self, remedy: Remedy | None = None) -> dict[str, Pairs]:
        """Return the pairs of every comparison of appearance that has any."""
        tones = sorted({each.parameters["tone"] for each in self.readings})
        sides = {f"tone {tone} instead of {MIDDLE}": (self.plain, self.of_tone(tone)) for tone in tones if tone != MIDDLE}
        sides[f"tone {tones[-1]} instead of {tones[0]}"] = (self.of_tone(tones[0]), self.of_tone(tones[-1]))
        sides["a man's mesh instead of a woman's"] = self.ordered("sex")
        sides["an old mesh instead of a young one"] = self.ordered("age")
        paired = {name: self.pair(*both, remedy) for name, both in sides.items()}
        return {name: pairs for name, pairs in paired.items() if len(pairs.meshes)}

    def noise(self, remedy: Remedy | None = None) -> dict[str, Json]:
        """Return what changes that leave the face the same do to the probabilities."""
        paired = {
            "another seed of the renderer": self.pair(self.plain, self.varied("seed"), remedy),
            "head turned by 2 degrees": self.pair(self.plain, self.varied("yaw"), remedy),
        }
        paired |= {name: self.pair(self.plain, readings, remedy) for name, readings in self.disturbed.items()}
        return {name: compare(pairs) for name, pairs in paired.items() if len(pairs.meshes)}

    def rows(self) -> Iterable[list[object]]:
        """Yield the rows of fairness.csv: a header, then parameters, outcome and probabilities of every picture."""
        yield [*COLUMNS, "outcome", *EXPRESSIONS]
        for each in self.readings:
            cells = [f"{value:.4f}" for value in self.probabilities(each)] if each.crop is not None else [""] * len(EXPRESSIONS)
            yield [*(each.parameters[column] for column in COLUMNS), each.outcome, *cells]


def remedies(reader: FaceReader) -> dict[str, Remedy | None]:
    """Return the changes to a crop that need no training, by name; None for the reader as it ships."""
    mean, deviation = reader.card.normaliser.mean, reader.card.normaliser.deviation
    return {
        SHIPPED: None,
        "crop stretched to full contrast": stretch_contrast,
        "crop levelled to the training mean": partial(match_mean_and_deviation, mean=mean, deviation=deviation),
        "crop half equalised": equalise_half,
    }


def validation_accuracy(reader: FaceReader, data: Path, votes: Path, remedy: Remedy | None) -> Estimate | None:
    """Return how often the served head names the raters' majority on the validation faces, after the remedy."""
    faces = join_votes(load_split(data, "validation"), read_votes(votes))
    assert faces.votes is not None
    majority, _ = rater_majority(faces.votes)
    if remedy is not None:
        faces = replace(faces, pixels=np.stack([remedy(each) for each in faces.pixels]))  # (N, 48, 48)
    logits = all_logits(reader.engine, faces, reader.card.normaliser)[HEADS.index(reader.card.served_head)]  # (N, 7)
    known = majority >= 0
    return mean_of(logits[known].argmax(axis=1) == majority[known])


def compare_remedy(treated: Pairs, shipped: Pairs) -> Json:
    """Return how the pairs differ under a remedy, and by how much more than the same pairs without it."""
    comparison = compare(treated)
    more = mean_over_meshes(treated.moved - shipped.moved, treated.meshes)
    return {key: comparison[key] for key in ("moved", "renamed", "intended")} | {"moved_more": more}


def measure(study: FairnessStudy, data: Path | None, votes: Path | None) -> Json:
    """Return what fairness.json holds. Without `data` and `votes` the remedies' accuracies are None."""
    noise, shipped = study.noise(), study.pairs()
    comparisons = {name: compare(pairs) for name, pairs in shipped.items()}
    remedied = {}
    for name, remedy in remedies(study.reader).items():
        treated = shipped if remedy is None else study.pairs(remedy)
        floor = noise if remedy is None else study.noise(remedy)
        remedied[name] = {
            "comparisons": {pair: compare_remedy(pairs, shipped[pair]) for pair, pairs in treated.items()},
            "largest_noise": largest_noise(floor)[1],
            "validation": validation_accuracy(study.reader, data, votes, remedy) if data and votes else None,
        }
    return {
        "model_version": study.reader.model_version,
        "weights_sha256": study.reader.engine.sha256,
        "pictures": len(study.readings),
        "read": sum(each.crop is not None for each in study.readings),
        "meshes": len({each.parameters["mesh"] for each in study.readings}),
        "comparisons": {name: each | {"beyond_noise": is_beyond(each, noise)} for name, each in comparisons.items()},
        "noise": noise,
        "remedies": remedied,
    }


@tell_unreadable()
def main() -> int:
    """Read the pictures, compare the pairs and write the three files. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.measure.fairness", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--pictures", type=Path, required=True, help="folder of tools.cohort.counterfactual_pairs")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--docs", type=Path, default=DOCS, help="where fairness.md and fairness.csv go")
    parser.add_argument("--data", type=Path, help="FER2013, to measure what the remedies cost")
    parser.add_argument("--votes", type=Path, help="FER+")
    options = parser.parse_args()
    study = FairnessStudy(FaceReader(options.weights), options.pictures)
    report: dict[str, Any] = measure(study, options.data, options.votes)
    with (options.docs / "fairness.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(study.rows())
    (options.weights / "fairness.json").write_text(json.dumps(report, indent=1) + "\n")
    (options.docs / "fairness.md").write_text(document_fairness(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
