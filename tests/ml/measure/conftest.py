"""Faces to measure on."""

import numpy as np
import pytest
from PIL import Image

from ml.data import VOTE_COLUMNS, FaceSet
from ml.serve.expressions import EXPRESSIONS
from ml.serve.preprocess import to_pixels


@pytest.fixture
def faces(portrait: Image.Image) -> FaceSet:
    """Return five smiles, framed as training faces are, and a picture without a face."""
    smile = to_pixels(portrait.crop((163, 55, 287, 179)))
    blank = np.full((48, 48), 90, np.uint8)
    votes = np.zeros((6, len(VOTE_COLUMNS)), np.int64)
    votes[:, VOTE_COLUMNS.index("happiness")] = 10
    labels = np.full(6, EXPRESSIONS.index("happy"))
    return FaceSet(np.stack([smile] * 5 + [blank]), labels, tuple(map(str, range(6))), votes)
