"""Read the expression of one face in a photo: detect it, turn it upright, crop it, check its quality, run the network.

photo -> faces -> chosen face -> upright crop -> 48x48 -> seven calibrated probabilities
           |           |              |
        NO_FACE   CHOOSE_FACE   REJECTED(reason)
"""

import io
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from .card import load_card
from .engines import EngineName, mirrored_logits, open_engine, softmax
from .explain import Explanation, explain
from .expressions import HEADS, Face, FaceBox, Outcome, Reading
from .faces import Detection, FaceFinder, UprightFace, choose_face
from .geometry import centre_of, cut_square
from .onnx_session import WeightsError, WeightsMismatch, WeightsMissing
from .preprocess import Pixels, to_pixels
from .quality import check_quality, least_score_in

__all__ = ["WEIGHTS", "FaceReader", "WeightsError", "WeightsMismatch", "WeightsMissing"]

WEIGHTS = Path(__file__).parents[1] / "weights"


class Stopwatch:
    """Milliseconds of each stage of one reading, in order."""

    def __init__(self, *stages: tuple[str, float]) -> None:
        self.stages = list(stages)
        self.last = time.perf_counter()

    def lap(self, stage: str) -> None:
        """Record the time since the last lap for `stage`."""
        now = time.perf_counter()
        self.stages.append((stage, round(1000 * (now - self.last), 2)))
        self.last = now


class FaceReader:
    """Reads photos with one set of weights. Opening them is slow, so a process keeps one reader."""

    def __init__(self, weights: Path = WEIGHTS, engine: EngineName = "onnx") -> None:
        """Open the weights. Raises WeightsMissing, WeightsMismatch, or WeightsError for a corrupt file."""
        self.card = load_card(weights)
        self.engine = open_engine(engine, weights, self.card)
        self.finder = FaceFinder(weights)

    @property
    def model_version(self) -> str:
        """Return the version of the weights, as written into every reading."""
        return self.card.version

    def read(self, image: Image.Image, face: FaceBox | None = None) -> Reading:
        """Return the reading of an upright photo, or the outcome that prevented one.

        `face` is the box that a clinician chose, in pixels: the detected face that overlaps it most is read. Quality is checked.
        """

        def one(faces: tuple[Face, ...]) -> tuple[int, ...]:
            chosen = choose_face(faces, face)
            return () if chosen is None else (chosen,)

        return self.read_faces(image, one)[0]

    def read_faces(self, image: Image.Image, choose: Callable[[tuple[Face, ...]], Sequence[int]]) -> tuple[Reading, ...]:
        """Return one reading for each face that `choose` names by its index; if it names none, the outcome that prevented one.

        `choose` gets the faces of the upright photo, largest first.
        """
        watch = Stopwatch()
        photo = image if image.mode == "RGB" else image.convert("RGB")
        detections = self.finder.find(photo)
        watch.lap("detect")
        faces = tuple(detection.face for detection in detections)
        chosen = choose(faces)
        if not chosen:
            outcome = Outcome.CHOOSE_FACE if faces else Outcome.NO_FACE
            return (Reading(outcome, self.model_version, faces=faces, milliseconds=tuple(watch.stages)),)
        return tuple(self._read_face(photo, detections, index, Stopwatch(*watch.stages)) for index in chosen)

    def _read_face(self, photo: Image.Image, detections: tuple[Detection, ...], chosen: int, watch: Stopwatch) -> Reading:
        upright = self.finder.turn_upright(photo, detections[chosen])
        watch.lap("turn upright")
        pixels = to_pixels(crop_face(upright, self.card.frame))
        score = self.finder.surest_score(detections[chosen], upright, least_score_in(photo, self.card.limits))
        checks = check_quality(photo, detections[chosen], upright.detection, pixels, score, self.card.limits)
        faces = tuple(
            replace(detection.face, detector_score=score) if place == chosen else detection.face
            for place, detection in enumerate(detections)
        )
        watch.lap("crop and judge")
        failed = next((check.reason for check in checks if not check.passed), None)
        if failed is not None:
            return Reading(
                Outcome.REJECTED, self.model_version, failed, faces, chosen, quality=checks, milliseconds=tuple(watch.stages)
            )
        probabilities, fer2013 = self.of_both_heads(pixels)
        watch.lap("network")
        return Reading(
            Outcome.DONE,
            self.model_version,
            faces=faces,
            chosen=chosen,
            probabilities=probabilities,
            fer2013=fer2013,
            abstained=max(probabilities) < self.card.abstain_below,
            quality=checks,
            input_png=as_png(pixels),
            milliseconds=tuple(watch.stages),
        )

    def probabilities_of(self, pixels: Pixels) -> tuple[float, ...]:
        """Return the seven calibrated probabilities, in label order, of a face (48, 48) in grey values 0-255."""
        return self.of_both_heads(pixels)[0]

    def of_both_heads(self, pixels: Pixels) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the seven probabilities of a face (48, 48): calibrated ones of the served head, plain ones of `fer2013`."""
        logits = mirrored_logits(self.engine, self.card.normaliser.apply(pixels[None]))[:, 0]  # (2, 7)
        served = softmax(logits[HEADS.index(self.card.served_head)] / self.card.temperature)  # (7,)
        return tuple(served.tolist()), tuple(softmax(logits[HEADS.index("fer2013")]).tolist())

    def explain(self, pixels: Pixels, expression: int | None = None) -> Explanation:
        """Return which parts of a face (48, 48) raise the probability of one expression, by default the most probable one."""
        return explain(self.engine, self.card, pixels, expression)


def crop_face(upright: UprightFace, frame: float) -> Image.Image:
    """Return the square around an upright face, framed like the training faces: its side is `frame` times the box height."""
    box = upright.detection.face.box
    return cut_square(upright.region, centre_of(box), frame * box.height)


def as_png(pixels: Pixels) -> bytes:
    """Return grey values (H, W) as the bytes of a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
