"""Every number that can change what a training run yields, with the reason for each. Loads no library."""

import ast
from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Config:
    """The recipe of one run. Change a number here, and the run folder records it."""

    seed: int = 2013
    """Weights, order and augmentation all follow from it."""

    widths: tuple[int, ...] = (16, 48, 96, 192)
    """Channels of the four stages: doubling at each pooling keeps a layer's multiply-adds even, but for the first, where a channel
    costs most. 189 M in all at 48 px, most of
    them in the two last stages, which have most layers."""
    pairs: tuple[int, ...] = (0, 1, 3, 3)
    """Residual pairs after the first convolution of each width. None at full resolution, where they cost most time; most where
    the picture is smallest, 2.76 M parameters in all."""
    dropout: float = 0.2
    """On the pooled features only; the batch norms regularise the rest."""

    precision: str = "mixed_bfloat16"
    """Of the arithmetic while training; weights and statistics stay float32. A third faster than float32 where the processor
    multiplies bfloat16. Where it does not, float32 is used: bfloat16 would take fifteen times as long."""
    batch: int = 128
    """Fits the caches of a small machine; larger batches took fewer, no cheaper, steps."""
    rate: float = 0.06
    """Rate of the stable phase. Below the usual cosine peak of 0.1, since it is held and not passed through."""
    momentum: float = 0.9
    """Nesterov's, the value of nearly every published FER2013 network."""
    weight_decay: float = 5e-4
    """On kernels only: shrinking batch-norm scales and biases helps nothing."""
    warmup_steps: int = 300
    """The rate rises from 0, so that the first batch statistics do no harm."""
    decay_share: float = 0.3
    """Share of the run in which the rate falls. Before it the run can be prolonged at will (the stable_checkpoint)."""
    rest: float = 0.0
    """What remains of the rate at the end, as a share. More than 0 only where many epochs are averaged."""
    average: float = 0.995
    """Per-step weight of the moving average: a window of 200 steps, well inside the falling phase."""
    average_share: float = 0.0
    """Share of the run, at its end, in which the weights of all steps count alike (Izmailov et al. 2018) in place of the window."""
    start_share: float = 0.0
    """Of the finished weights that the run began with in what it ends with, the average being the rest (Wortsman et al. 2022)."""
    norm_batches: int = 80
    """Training batches on which batch-norm statistics are measured anew for averaged weights (they are wrong otherwise)."""
    smoothing: float = 0.1
    """On the original labels, of which about a third disagree with ten raters."""
    teacher_share: float = 0.4
    """Weight of a teacher's probabilities in the targets. Below half: a teacher repeats the errors of its labels."""
    raters_weight: float = 1.0
    """Loss weight of the raters' head, the one that is served."""
    fer2013_weight: float = 0.6
    """Loss weight of the original labels: noisier, and only for comparison with published figures."""

    small_side: int = 36
    """Side in the early phase, the frame scaled down: 44 % fewer multiply-adds than at 48."""
    small_share: float = 0.5
    """Share of the run at the small side."""
    crop_side: int = 44
    """Side after it: a random 44 px window of the 48, as in Tang's and later recipes. Measured at 48."""

    shift: float = 0.08
    """Largest shift, as a share of the side: the detector's box wanders that much."""
    scale: float = 0.12
    """Largest change of size: the spread of the detector's box on training faces."""
    rotation_degrees: float = 10.0
    """What remains after heads are turned upright."""
    brightness: float = 0.15
    """Largest change of the mean, as a share of the grey range."""
    contrast: float = 0.25
    """Largest change of the deviation, as a factor."""
    soften_share: float = 0.2
    """Share of faces that are softened: faces cut from photos are resampled and softer than the data set's."""
    compress_share: float = 0.1
    """Share of faces that are saved as a poor JPEG first (quality 20 to 60): what else it was tried on cost it less accuracy."""
    mixup: float = 0.0
    """Parameter of the beta distribution of how much of another face is laid over each (Zhang et al. 2018); 0: none."""
    erase_share: float = 0.1
    """Share of faces with one rectangle covered, as by a hand. Few: faces it has seen are named hardly better than others."""
    erase_side: float = 0.4
    """Largest edge of that rectangle, as a share of the side."""
    half_share: float = 0.0
    """Share of faces whose lower half is covered, as by a mask: what harms most of all changes that are measured."""
    rims_share: float = 0.0
    """Share of faces that wear rims of glasses, which harms next."""

    @property
    def parameters(self) -> dict[str, Any]:  # Any: numbers and tuples of numbers
        """Return every number by name, as model.json records them."""
        return asdict(self)


def recorded_config(text: str) -> Config | None:
    """Return the recipe of which `text` is str(config); None when it has a number that no recipe has today.

    Numbers that were added after it was recorded have their defaults, which change nothing.
    """
    call = ast.parse(text, mode="eval").body
    if not isinstance(call, ast.Call):
        return None
    numbers = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg}
    return Config(**numbers) if numbers.keys() <= Config().parameters.keys() else None


@dataclass(frozen=True)
class Stage:
    """One run of the recipe. A stage goes on from another, is taught by others, both, or neither."""

    config: Config
    epochs: float
    stable_checkpoint: str = ""
    """The stage to go on from, at the point where its rate began to fall."""
    finished: str = ""
    """Or the stage to go on from with its finished weights."""
    teachers: tuple[str, ...] = ()
    """Stages that have a say in the targets, their mean: their logits in ml/teachers, or their finished weights."""


SHALLOW = replace(Config(), pairs=(0, 1, 2, 1), compress_share=0.0, small_share=0.6)
PATIENT = replace(Config(), seed=2016, rate=0.03, decay_share=0.9, rest=1 / 3, average_share=0.6, teacher_share=0.5, mixup=0.2)
"""Never comes to rest: the rate stays high enough to wander, and the weights of the last six tenths of the run are averaged.
Its teachers are three, which err less together: they have half a say."""
RECIPE = {
    "first": Stage(SHALLOW, 91),
    "second": Stage(SHALLOW, 74, stable_checkpoint="first", teachers=("first",)),
    "third": Stage(replace(Config(), seed=2014, decay_share=0.6), 53.3, finished="second", teachers=("second",)),
    "fourth": Stage(replace(Config(), seed=2015), 84.8, stable_checkpoint="third", teachers=("second", "third")),
    "fifth": Stage(PATIENT, 90.7, stable_checkpoint="fourth", teachers=("second", "third", "fourth")),
    "sixth": Stage(replace(PATIENT, seed=2017, start_share=0.5), 124.2, finished="fifth", teachers=("second", "third", "fifth")),
}
"""Runs that build on each other, in order; the first comes near the last within a fraction of the time. docs/experiments.md says
what each was for and what it gained."""
TEACHER = replace(SHALLOW, seed=3001, widths=(16, 64, 128, 256), pairs=(0, 1, 1, 1), compress_share=0.1)
RECIPE["apart"] = Stage(TEACHER, 91)
"""A teacher that shares nothing with the stages above but the data, so that it makes other mistakes: wider, with one pair each."""
STUDENT = replace(
    Config(),
    seed=2018,
    decay_share=0.5,
    rest=1 / 6,
    average_share=0.3,
    teacher_share=0.6,
    mixup=0.2,
    half_share=0.05,
    rims_share=0.05,
)
"""From nothing in one run. Most of its targets are its teachers': one that comes from elsewhere, and the best network so far."""
RECIPE["student"] = Stage(STUDENT, 300, teachers=("apart", "sixth"))
"""Prepared for an accelerator, and not run yet."""
OWN = RECIPE["first"]
"""The recipe of a run that is no stage: what can be learned from nothing in one go."""


def chain(name: str, known: frozenset[str] = frozenset()) -> list[str]:
    """Return the stage and all that it builds on, in the order of the recipe. Raises KeyError for one that is none.

    `known` are stages whose logits there are already: as teachers they need not be run.
    """
    stage = RECIPE[name]
    teachers = (teacher for teacher in stage.teachers if teacher not in known)
    needed = {name}.union(*(chain(former, known) for former in (stage.stable_checkpoint, stage.finished, *teachers) if former))
    return [each for each in RECIPE if each in needed]
