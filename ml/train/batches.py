"""The batches of a run, each prepared while the one before trains."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ml.serve.preprocess import Normaliser
from ml.train.augment import Batch, augment, mix
from ml.train.backends import has_accelerator, is_jax
from ml.train.run import Run
from ml.train.targets import Targets


@dataclass(frozen=True)
class Batches:
    """Makes the batches of a run from its faces and their targets."""

    run: Run
    targets: Targets
    normaliser: Normaliser

    @cached_property
    def tables(self) -> tuple[Any, Any, Any]:  # Any: arrays of numpy, or of the device
        """The faces (N, 48, 48) with their vote shares and labels (N, 7), where the batches are made."""
        return self.run.train.pixels, self.targets.raters, self.targets.labels

    def prepare(self, epoch: int, place: int, frame: tuple[int, int]) -> Batch:
        """Return one batch of an epoch. Seeded by epoch and place. `frame` is that of `ml.train.schedule.frame_at`."""
        config = self.run.config
        order = np.random.default_rng((config.seed, epoch)).permutation(len(self.run.train))
        chosen = order[place * config.batch : (place + 1) * config.batch]
        rng = np.random.default_rng((config.seed, epoch, place))
        pixels, raters, labels = (table[chosen] for table in self.tables)
        changed = augment(pixels, *frame, config, rng)
        return mix((self.normaliser.apply(changed), raters, labels), config.mixup, rng)

    def of_epoch(self, epoch: int, first: int, frame: tuple[int, int]) -> Iterator[Batch]:
        """Yield the batches of an epoch from place `first` on."""
        with ThreadPoolExecutor(1) as pool:
            ahead = pool.submit(self.prepare, epoch, first, frame)
            for place in range(first + 1, self.run.steps_per_epoch):
                ready, ahead = ahead, pool.submit(self.prepare, epoch, place, frame)
                yield ready.result()
            yield ahead.result()


class DeviceBatches(Batches):
    """The same batches, made on the device: faces and targets lie there, and only random numbers and places are sent. JAX alone."""

    @cached_property
    def tables(self) -> tuple[Any, Any, Any]:  # Any: likewise
        """The same, copied to the device once."""
        import jax

        pixels, raters, labels = jax.device_put((self.run.train.pixels, self.targets.raters, self.targets.labels))
        return pixels, raters, labels


def batches_of(run: Run, targets: Targets, normaliser: Normaliser) -> Batches:
    """Return the batches of a run, made on the accelerator if JAX has one."""
    kind = DeviceBatches if is_jax() and has_accelerator() else Batches
    return kind(run, targets, normaliser)
