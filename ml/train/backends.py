"""What the two backends of Keras do differently: how a step is differentiated and compiled. KERAS_BACKEND chooses.

TensorFlow trains on processors, JAX on an accelerator, also where TensorFlow is not installed. Both keep the same state, so that
either goes on where the other stopped.
"""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

from ml.train.augment import Batch
from ml.train.config import Config

Step = Callable[[Batch, Any, Any], Any]  # Any: a backend's scalars
"""Takes a batch, the rate and what is kept of the average; updates all variables and returns the loss."""


class Learned(NamedTuple):
    """What a step updates of one variable: its value, its momentum and its moving average. Arrays of one backend, of one shape."""

    value: Any  # Any: an array of the backend, here and below
    velocity: Any
    averaged: Any


def update(learned: Learned, gradient: Any, decay: float, config: Config, rate: Any, kept: Any) -> Learned:
    """Return the variable after one step of Nesterov momentum; `decay` is the weight decay, coupled to the gradient."""
    slope = gradient + decay * learned.value if decay else gradient
    velocity = config.momentum * learned.velocity - rate * slope
    value = learned.value + config.momentum * velocity - rate * slope
    return Learned(value, velocity, kept * learned.averaged + (1 - kept) * value)


def loss_of(logits: list[Any], raters: Any, labels: Any, config: Config) -> Any:
    """Return the mean loss (), of the logits of both heads (B, 7) against vote shares and labels (B, 7)."""
    from keras import ops

    # Not a fused loss: for a face without votes TensorFlow's fused loss is 0, but its gradient is not.
    raters_loss, fer2013_loss = (
        -ops.sum(target * ops.log_softmax(head, axis=-1), axis=1) for target, head in zip((raters, labels), logits, strict=True)
    )  # (B,) each
    return ops.mean(config.raters_weight * raters_loss + config.fer2013_weight * fer2013_loss)


def backend() -> str:
    """Return the name of the backend that Keras runs on."""
    import keras

    return str(keras.backend.backend())


def is_jax() -> bool:
    """Whether Keras runs on JAX."""
    return backend() == "jax"


def has_accelerator() -> bool:
    """Whether the backend computes on another device than the processor."""
    import keras

    return any(not name.startswith("cpu") for name in keras.distribution.list_devices())


def set_seed(seed: int) -> None:
    """Let initial weights and order follow from `seed`."""
    if is_jax():
        # All that Keras draws initial weights from here; its own function would load TensorFlow where that is installed.
        random.seed(seed)
        return
    import keras

    keras.utils.set_random_seed(seed)


def use_threads(count: int) -> None:
    """Compute on so many processor cores. JAX takes all cores that the process may use: taskset limits them."""
    if not is_jax():
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(count)


def compile_step(model: Any, velocity: list[Any], averaged: list[Any], config: Config) -> Step:
    """Return the compiled step of the model (Keras); `velocity` and `averaged` belong to its trainable variables."""
    decays = [config.weight_decay if variable.path.endswith("/kernel") else 0.0 for variable in model.trainable_variables]
    make = _jax_step if is_jax() else _tensorflow_step
    return make(model, [model.trainable_variables, velocity, averaged], decays, config)


def _tensorflow_step(model: Any, variables: list[list[Any]], decays: list[float], config: Config) -> Step:
    import tensorflow as tf

    @tf.function  # type: ignore[untyped-decorator]  # TensorFlow ships no type hints
    def step(batch: Batch, rate: Any, kept: Any) -> Any:
        faces, raters, labels = batch
        trained = model.trainable_variables
        with tf.GradientTape() as tape:
            loss = loss_of(model(faces, training=True), raters, labels, config)
        gradients = tape.gradient(loss, [variable.value for variable in trained])
        for each, gradient, decay in zip(zip(*variables, strict=True), gradients, decays, strict=True):
            new = update(Learned(*(variable.value for variable in each)), gradient, decay, config, rate, kept)
            for variable, value in zip(each, new, strict=True):
                variable.assign(value)
        return loss

    return lambda batch, rate, kept: step(tuple(map(tf.convert_to_tensor, batch)), rate, kept)


def _jax_step(model: Any, variables: list[list[Any]], decays: list[float], config: Config) -> Step:
    import jax

    def step(learned: list[Learned], others: list[Any], batch: Batch, rate: Any, kept: Any) -> tuple[Any, ...]:
        faces, raters, labels = batch

        def loss_and_others(values: list[Any]) -> tuple[Any, list[Any]]:
            logits, changed = model.stateless_call(values, others, faces, training=True)
            return loss_of(logits, raters, labels, config), changed

        differentiate = jax.value_and_grad(loss_and_others, has_aux=True)
        (loss, others), gradients = differentiate([each.value for each in learned])
        new = [update(*each, config, rate, kept) for each in zip(learned, gradients, decays, strict=True)]
        return loss, new, others

    # The former arrays are given up, so that the device needs no room for both.
    compiled = jax.jit(step, donate_argnums=(0, 1))

    def run(batch: Batch, rate: Any, kept: Any) -> Any:
        learned = [Learned(*(variable.value for variable in each)) for each in zip(*variables, strict=True)]
        others = [variable.value for variable in model.non_trainable_variables]
        loss, new, others = compiled(learned, others, batch, rate, kept)
        for each, values in zip(zip(*variables, strict=True), new, strict=True):
            for variable, value in zip(each, values, strict=True):
                variable.assign(value)
        for variable, value in zip(model.non_trainable_variables, others, strict=True):
            variable.assign(value)
        return loss

    return run


def compile_answer(model: Any) -> Callable[[Any], list[Any]]:
    """Return the model's compiled answer: z-scored faces (B, side, side, 1) -> logits (B, 7) of both heads."""
    if not is_jax():
        import tensorflow as tf

        answer: Callable[[Any], list[Any]] = tf.function(lambda faces: model(faces, training=False))
        return answer
    import jax

    compiled = jax.jit(lambda trained, others, faces: model.stateless_call(trained, others, faces, training=False)[0])
    values = [[variable.value for variable in each] for each in (model.trainable_variables, model.non_trainable_variables)]
    return lambda faces: list(compiled(*values, faces))
