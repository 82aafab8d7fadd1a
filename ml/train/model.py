"""The network: one trunk of 3x3 convolutions and two heads, one for the raters' votes and one for the original labels."""

from typing import Any

from ml.serve.expressions import EXPRESSIONS, HEADS, INPUT_SIDE
from ml.train.config import Config


def build_model(config: Config, side: int | None = INPUT_SIDE, norm: Any = None) -> Any:  # Any: Keras ships no type hints
    """Return the untrained network: z-scored faces (B, side, side, 1) -> two arrays of logits (B, 7), in the order of HEADS.

    With side None it takes faces of any size, as training needs; the weights are the same. `norm` replaces Keras's
    BatchNormalization and must have the same variables. The shapes below are those of 48 px and the widths of Config.
    """
    from keras import Input, Model, layers

    norm = norm or layers.BatchNormalization
    image = Input((side, side, 1), name="image")  # (B, 48, 48, 1)
    x = image
    for stage, (width, pairs) in enumerate(zip(config.widths, config.pairs, strict=True)):
        if stage:
            x = layers.MaxPooling2D(2, name=f"pool{stage}")(x)  # (B, 24 | 12 | 6, the same, 16 | 48 | 96)
        x = convolve(x, width, f"stage{stage}", norm)  # (B, 48 | 24 | 12 | 6, the same, 16 | 48 | 96 | 192)
        if not pairs and stage == 0:
            x = convolve(x, width, "stage0b", norm)  # (B, 48, 48, 16)
        for pair in range(pairs):
            x = add_residual_pair(x, width, f"stage{stage}_pair{pair}", norm)  # the same shape
    # float32 from here on, whatever the precision of the convolutions.
    average = layers.GlobalAveragePooling2D(name="average", dtype="float32")(x)  # (B, 192)
    largest = layers.GlobalMaxPooling2D(name="largest", dtype="float32")(x)  # (B, 192)
    features = layers.Concatenate(name="features", dtype="float32")([average, largest])  # (B, 384)
    features = layers.Dropout(config.dropout, seed=config.seed, name="dropout", dtype="float32")(features)
    heads = [layers.Dense(len(EXPRESSIONS), name=head, dtype="float32")(features) for head in HEADS]  # (B, 7) each
    return Model(image, heads, name="affectline")


def convolve(x: Any, width: int, name: str, norm: Any, rectify: bool = True) -> Any:  # Any: Keras tensors and layers
    """Return x (B, H, W, C) after a 3x3 convolution and batch norm, and a ReLU if `rectify`: (B, H, W, width)."""
    from keras import layers

    x = layers.Conv2D(width, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv")(
        x
    )  # (B, H, W, width)
    x = norm(momentum=0.9, epsilon=1e-5, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if rectify else x


def add_residual_pair(x: Any, width: int, name: str, norm: Any) -> Any:  # Any: Keras tensors and layers
    """Return x (B, H, W, width) plus a residual of two convolutions, rectified (He et al. 2016). The shape is the same."""
    from keras import layers

    added = convolve(convolve(x, width, f"{name}a", norm), width, f"{name}b", norm, rectify=False)  # (B, H, W, width)
    return layers.ReLU(name=f"{name}_out")(layers.Add(name=f"{name}_add")([x, added]))
