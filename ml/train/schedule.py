"""The progress of a run, and the learning rate and side that follow from it: warm-up, a stable phase, then a fall to `rest`.

        rate   ______________________
              /                      \\
             /                        \\
            /_______________________   \\_
            0   small side | crops  ^        1
                                    stable checkpoint
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ml.serve.expressions import INPUT_SIDE
from ml.train.config import Config


@dataclass
class Budget:
    """The length of a run in epochs or in minutes of wall time. Minutes end a run on time; epochs make it repeatable."""

    epochs: float
    steps_per_epoch: int
    minutes: float | None = None
    seconds_before: float = 0.0
    clock: Callable[[], float] = time.monotonic
    started_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.started_at = self.clock()

    @property
    def seconds(self) -> float:
        """Return the seconds spent, including those before a resume."""
        return self.seconds_before + self.clock() - self.started_at

    def seconds_left(self, done: int, step: int) -> float:
        """Return the seconds left at step `step`, at the pace of the `done` steps of this process."""
        if self.minutes is not None:
            return max(0.0, 60 * self.minutes - self.seconds)
        return (self.seconds - self.seconds_before) / done * max(0.0, self.epochs * self.steps_per_epoch - step)

    def progress(self, step: int) -> float:
        """Return the share of the run that is done, in [0, 1]."""
        if self.minutes is None:
            return min(1.0, step / (self.epochs * self.steps_per_epoch))
        return min(1.0, self.seconds / (60 * self.minutes))


def steps_per_epoch(faces: int, config: Config) -> int:
    """Return the number of full batches in so many faces; at least one, so that tiny data sets can be trained on."""
    return max(1, faces // config.batch)


def rate_at(progress: float, step: int, config: Config, warm: bool = False) -> float:
    """Return the learning rate. `warm` skips the warm-up, for a run that continues from a checkpoint."""
    rise = 1.0 if warm else min(1.0, (step + 1) / config.warmup_steps)
    fall = min(1.0, (1 - progress) / config.decay_share)
    return config.rate * rise * (config.rest + (1 - config.rest) * fall)


def is_falling(progress: float, config: Config) -> bool:
    """Whether the rate has begun to fall; the stable checkpoint is saved just before."""
    return progress > 1 - config.decay_share


def counts_alike(progress: float, config: Config) -> bool:
    """Whether the weights of this step enter the final average with equal weight."""
    return progress > 1 - config.average_share


def frame_at(progress: float, config: Config, warm: bool = False) -> tuple[int, int]:
    """Return the side to train at, in pixels, and how many of the 48 source pixels it covers. `warm` skips the small side."""
    if progress < config.small_share and not warm:
        return config.small_side, INPUT_SIDE
    return config.crop_side, config.crop_side


def multiply_adds(config: Config, side: int) -> float:
    """Return the multiply-adds of the convolutions for one face of this side."""
    total, channels = 0.0, 1
    for stage, (width, pairs) in enumerate(zip(config.widths, config.pairs, strict=True)):
        further = 2 * pairs + (stage == 0 and not pairs)  # as in ml.train.model
        total += 9 * (side // 2**stage) ** 2 * width * (channels + further * width)
        channels = width
    return total


def work_left(config: Config, epochs: float, progress: float, warm: bool = False) -> float:
    """Return the multiply-adds that a run has left at this progress, for each training face. `warm` as in `frame_at`."""
    small = 0.0 if warm else max(0.0, config.small_share - progress)
    costs = small * multiply_adds(config, config.small_side), (1 - progress - small) * multiply_adds(config, config.crop_side)
    return epochs * sum(costs)
