"""The network: one trunk of 3x3 convolutions, and two heads that answer two questions about the same face."""

from typing import Any

from ml.serve.expressions import EXPRESSIONS, HEADS, INPUT_SIDE
from ml.train.config import Config


def build_model(config: Config, side: int | None = INPUT_SIDE, norm: Any = None) -> Any:  # Any: Keras ships no type hints
    """Return the untrained network: (B, side, side, 1) z-scored grey -> two (B, 7) logits, in the order of HEADS.

    With side None it takes faces of any size, as training does; the weights are the same. `norm` takes the place of Keras's
    BatchNormalization, with the same variables.
    """
    from keras import Input, Model, layers

    norm = norm or layers.BatchNormalization
    image = Input((side, side, 1), name="image")
    x = image
    for stage, (width, pairs) in enumerate(zip(config.widths, config.pairs, strict=True)):
        if stage:
            x = layers.MaxPooling2D(2, name=f"pool{stage}")(x)
        x = convolve(x, width, f"stage{stage}", norm)
        if not pairs and stage == 0:
            x = convolve(x, width, "stage0b", norm)
        for pair in range(pairs):
            x = add_residual_pair(x, width, f"stage{stage}_pair{pair}", norm)
    # From here on float32, whatever precision the convolutions are trained in.
    average = layers.GlobalAveragePooling2D(name="average", dtype="float32")(x)
    largest = layers.GlobalMaxPooling2D(name="largest", dtype="float32")(x)
    features = layers.Concatenate(name="features", dtype="float32")([average, largest])  # (B, 2 * width)
    features = layers.Dropout(config.dropout, seed=config.seed, name="dropout", dtype="float32")(features)
    heads = [layers.Dense(len(EXPRESSIONS), name=head, dtype="float32")(features) for head in HEADS]
    return Model(image, heads, name="affectline")


def convolve(x: Any, width: int, name: str, norm: Any, rectify: bool = True) -> Any:  # Any: Keras tensors and layers
    """Return x after a 3x3 convolution and batch norm, and a ReLU unless told otherwise."""
    from keras import layers

    x = layers.Conv2D(width, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv")(x)
    x = norm(momentum=0.9, epsilon=1e-5, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if rectify else x


def add_residual_pair(x: Any, width: int, name: str, norm: Any) -> Any:  # Any: Keras tensors and layers
    """Return x plus what two convolutions add to it (He et al. 2016)."""
    from keras import layers

    added = convolve(convolve(x, width, f"{name}a", norm), width, f"{name}b", norm, rectify=False)
    return layers.ReLU(name=f"{name}_out")(layers.Add(name=f"{name}_add")([x, added]))
