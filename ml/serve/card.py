"""model.json: the facts that belong to a set of weights. The reader refuses files whose hashes differ from those written here."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .expressions import EXPRESSIONS, INPUT_SIDE
from .onnx_session import WeightsError, WeightsMismatch, WeightsMissing
from .preprocess import Normaliser
from .quality import QualityLimits

FRAME = 1.05
"""Side of the crop as a multiple of the height of the face box: on training faces, CenterFace's box is 0.95 of the frame high."""


@dataclass(frozen=True)
class ModelCard:
    """What reading needs to know about the weights, and where they come from."""

    version: str
    normaliser: Normaliser
    temperature: float
    abstain_below: float
    keras_sha256: str
    onnx_sha256: str
    data_sha256: str
    served_head: str = "raters"
    labels: tuple[str, ...] = EXPRESSIONS
    input_side: int = INPUT_SIDE
    frame: float = FRAME
    limits: QualityLimits = field(default_factory=QualityLimits)
    config: dict[str, Any] = field(default_factory=dict)  # Any: numbers and lists of numbers

    def save(self, path: Path) -> None:
        """Write the card as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def load_card(weights: Path) -> ModelCard:
    """Return the card in this folder.

    Raises WeightsMissing, WeightsMismatch for other labels or another input size, or WeightsError for a file that is not a card.
    """
    try:
        fields = json.loads((weights / "model.json").read_text())
    except OSError as error:
        raise WeightsMissing(f"model.json cannot be read from {weights}: {error.strerror}") from error
    except ValueError as error:
        raise WeightsError(f"model.json is not JSON: {error}") from error
    try:
        fields["normaliser"] = Normaliser(**fields["normaliser"])
        fields["limits"] = QualityLimits(**fields["limits"])
        fields["labels"] = tuple(fields["labels"])
        card = ModelCard(**fields)
    except (KeyError, TypeError) as error:
        raise WeightsError(f"model.json does not have the fields that are expected: {error}") from error
    if card.labels != EXPRESSIONS or card.input_side != INPUT_SIDE:
        raise WeightsMismatch(
            f"the weights are for {card.labels} at {card.input_side} px, the code is for {EXPRESSIONS} at {INPUT_SIDE} px"
        )
    return card
