"""The batches of a run, each prepared while the one before trains."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ml.serve.preprocess import Normaliser
from ml.train.augment import Batch, augment, mix
from ml.train.run import Run
from ml.train.targets import Targets


@dataclass(frozen=True)
class Batches:
    """Makes the batches of a run from its faces and their targets."""

    run: Run
    targets: Targets
    normaliser: Normaliser

    def prepare(self, epoch: int, place: int, frame: tuple[int, int]) -> Batch:
        """Return one batch of an epoch. Seeded by epoch and place. `frame` is that of `ml.train.schedule.frame_at`."""
        config, faces = self.run.config, self.run.train
        order = np.random.default_rng((config.seed, epoch)).permutation(len(faces))
        chosen = order[place * config.batch : (place + 1) * config.batch]
        rng = np.random.default_rng((config.seed, epoch, place))
        changed = augment(faces.pixels[chosen], *frame, config, rng)
        batch = self.normaliser.apply(changed), self.targets.raters[chosen], self.targets.labels[chosen]
        return mix(batch, config.mixup, rng)

    def of_epoch(self, epoch: int, first: int, frame: tuple[int, int]) -> Iterator[Batch]:
        """Yield the batches of an epoch from place `first` on."""
        with ThreadPoolExecutor(1) as pool:
            ahead = pool.submit(self.prepare, epoch, first, frame)
            for place in range(first + 1, self.run.steps_per_epoch):
                ready, ahead = ahead, pool.submit(self.prepare, epoch, place, frame)
                yield ready.result()
            yield ahead.result()
