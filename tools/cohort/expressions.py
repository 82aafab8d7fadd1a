"""The recipe of each expression: weights of ARKit blendshapes and MakeHuman units. It says what is shown, not what is felt."""

from collections.abc import Mapping

Weights = dict[str, float]

BROWS_UP, BROWS_DOWN = "mh:eyebrows-*-inner-up", "mh:eyebrows-*-down"

RECIPES: dict[str, Weights] = {
    # A bare name means left and right; `mh:` are MakeHuman units, which the artists made for each average.
    "angry": {
        "browDown": 1.6, "eyeWide": 0.9, "eyeSquint": 0.3, "noseSneer": 1.0, "mouthUpperUp": 0.8, "mouthLowerDown": 1.0,
        "jawOpen": 0.3, "mouthFunnel": 0.35, "mouthStretch": 0.5, BROWS_DOWN: 0.9,
    },
    "disgust": {
        "noseSneer": 1.8, "mouthUpperUp": 1.3, "browDown": 0.6, "eyeSquint": 1.0, "cheekSquint": 1.2, "mouthFrown": 0.35,
        "mouthShrugLower": 0.7, "mouthStretch": 0.3, "mh:nose-compression": 1.2, "mh:nose-*-elevation": 0.6,
    },
    "fear": {
        "browInnerUp": 1.7, "browOuterUp": 0.3, "browDown": 0.35, "eyeWide": 1.7, "mouthStretch": 1.4, "jawOpen": 0.34,
        "mouthLowerDown": 0.8, "mouthFrown": 0.35, BROWS_UP: 0.9,
    },
    "happy": {
        "mouthSmile": 1.3, "cheekSquint": 0.9, "eyeSquint": 0.35, "jawOpen": 0.2, "mouthUpperUp": 0.8, "mouthLowerDown": 0.3,
        "mouthDimple": 0.3, "mouthStretch": 0.15,
    },
    "sad": {
        "browInnerUp": 1.7, "browDown": 0.45, "mouthFrown": 1.6, "mouthShrugLower": 0.9, "mouthShrugUpper": 0.3, "eyeBlink": 0.2,
        "cheekSquint": 0.2, "mouthPress": 0.2, BROWS_UP: 1.2,
    },
    "surprise": {"browInnerUp": 1.2, "browOuterUp": 1.3, "eyeWide": 1.5, "jawOpen": 0.95, "mouthFunnel": 0.35},
    "neutral": {"eyeWide": 0.1},
}  # fmt: skip


def blend(parts: Mapping[str, float]) -> Weights:
    """Return the weights of several expressions, each at its intensity (1 = the full recipe)."""
    weights: Weights = {}
    for expression, intensity in parts.items():
        for name, weight in RECIPES[expression].items():
            weights[name] = weights.get(name, 0.0) + intensity * weight
    return weights
