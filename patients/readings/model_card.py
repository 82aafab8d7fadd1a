"""The model card as a page: the facts of ml.card_facts in the reader's words and number formats."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

from django.utils.formats import get_format, number_format
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from ml.card_facts import Agreement, CardFacts, Estimate, Robustness, Scalar
from patients.models.formats import decimal, hundredths, in_percent, signed, with_unit
from patients.readings.fairness import ComparisonRow, comparison_row

Text = str | Promise
SPLITS = gettext_noop("validation"), gettext_noop("test")  # the templates translate the word itself


@dataclass(frozen=True)
class MeasureFormat:
    """How one estimate of report.json is written. `scale` 100 makes a share a percentage; `beside` names one for `compare`."""

    key: str
    name: Text
    compare: Text = ""
    beside: str = ""
    unit: str = "%"
    scale: float = 100
    places: int = 1


HEADLINES = (
    MeasureFormat("raters.accuracy", _("Agrees with most of ten raters"), _("one rater agrees with the other nine: 70%"), places=0),
    MeasureFormat(
        "abstention.accuracy",
        _("Where it gives an answer"),
        _("on %s of faces; the rest is too close to call"),
        "abstention.coverage",
        places=0,
    ),
    MeasureFormat(
        "raters.named_share.counted",
        _("Raters who agree with its answer"),
        _("it expects %s"),
        "raters.named_share.served",
        places=0,
    ),
)
"""The figures on the first screen, in whole percent."""
PROTOCOL = {
    "clear": "by_agreement.more than five of ten",
    "unclear": "by_agreement.five of ten or fewer",
    "barsoum": "barsoum",
}
"""What stands below them, to say which faces the first of them counts."""
MEASURES = (
    MeasureFormat("raters.accuracy", _("Accuracy, FER+ raters"), _("one rater against the other nine: 70%")),
    MeasureFormat(
        "raters.barsoum.accuracy",
        _("The same as the authors of FER+ count"),
        _("only faces on which more than half of the raters agree; eight classes"),
    ),
    MeasureFormat("fer2013.accuracy", _("Accuracy, FER2013 labels"), _("people: 65 ± 5%")),
    MeasureFormat("raters.macro_f1", _("Macro F1, FER+ raters"), unit="", scale=1, places=3),
    MeasureFormat("fer2013.macro_f1", _("Macro F1, FER2013 labels"), unit="", scale=1, places=3),
    MeasureFormat("raters.against_labels.accuracy", _("Answers of the raters’ part against FER2013 labels")),
    MeasureFormat("fer2013.against_majority.accuracy", _("Answers of the labels’ part against FER+ raters")),
    MeasureFormat("raters.ece", _("Calibration error (ECE, 15 bins)"), _("before calibration: %s"), "raters.ece_uncalibrated"),
    MeasureFormat("raters.ece_classwise", _("Calibration error, all seven expressions")),
    MeasureFormat(
        "raters.ece_as_cast", _("Calibration error, single votes included"), _("the model did not learn from single votes")
    ),
    MeasureFormat("raters.ece_classwise_as_cast", _("The same, all seven expressions")),
    MeasureFormat("fer2013.ece", _("Calibration error, FER2013 labels"), _("not served, so not calibrated")),
    MeasureFormat(
        "raters.log_loss",
        _("Log loss against the votes"),
        _("lowest possible: %s"),
        "raters.log_loss_of_the_votes_themselves",
        unit="",
        scale=1,
        places=3,
    ),
    MeasureFormat(
        "raters.named_share.counted", _("Raters who agree with the model"), _("the model expects %s"), "raters.named_share.served"
    ),
    MeasureFormat("raters.named_share.of_all_votes", _("The same, of all ten votes"), _("with other answers and single votes")),
    MeasureFormat(
        "abstention.accuracy",
        _("Accuracy where it answers"),
        _("on %s of the faces; the rest is too close to call"),
        "abstention.coverage",
    ),
    MeasureFormat("raters.coverage.0.8", _("Accuracy on the clearest 80% of faces")),
    MeasureFormat("without_twins.raters.accuracy", _("Accuracy, FER+, without copies of training faces")),
    MeasureFormat("without_twins.fer2013.accuracy", _("Accuracy, FER2013, without copies of training faces")),
    MeasureFormat("without_near_twins.raters.accuracy", _("Accuracy, FER+, without similar copies either")),
    MeasureFormat("without_near_twins.fer2013.accuracy", _("Accuracy, FER2013, without similar copies either")),
    MeasureFormat("parity.not_found", _("Faces not found in photos")),
    MeasureFormat("parity.rejected", _("Faces in photos that fail a quality check")),
    MeasureFormat("parity.filling.not_found", _("Faces not found when they fill the photo")),
    MeasureFormat("parity.without_face.read", _("Photos without a face read as if they had one")),
    MeasureFormat("parity.kept.raters", _("Accuracy kept in whole photos, FER+"), _("compared with the cropped face")),
    MeasureFormat("parity.kept.fer2013", _("Accuracy kept in whole photos, FER2013"), _("compared with the cropped face")),
    MeasureFormat("rounding.named_alike", _("Same answer as the unrounded network"), _("weights are rounded to 8 bits for speed")),
    MeasureFormat("cost.face", _("Time for one face"), _("on one processor core"), unit=" ms", scale=1),
    MeasureFormat("cost.photo_640x480", _("Time for a photo of 640 × 480"), unit=" ms", scale=1, places=0),
    MeasureFormat("cost.photo_4000x3000", _("Time for a photo of 4000 × 3000"), unit=" ms", scale=1, places=0),
)
CHANGES: dict[str, Text] = {
    "blur, 1 px": _("blurred by 1 px"),
    "low light, 30 %": _("in 30% of the light"),
    "JPEG, quality 30": _("JPEG of quality 30"),
    "turned 15 degrees left": _("turned left by 15°"),
    "turned 15 degrees right": _("turned right by 15°"),
    "24 px, enlarged": _("enlarged from 24 px"),
    "lower face covered": _("lower face covered"),
    "rims of glasses": _("with rims of glasses"),
}
"""The changes of ml/measure/robustness.py as the page calls them."""


@dataclass(frozen=True)
class Published:
    """Published systems beside ours, all measured in one protocol: the key of our figure, and name, % and remark of theirs."""

    protocol: Text
    key: str
    systems: tuple[tuple[Text, Text, Text], ...]


PUBLISHED = (
    Published(
        _("FER2013 labels, seven classes"),
        "fer2013.accuracy",
        (
            (_("People"), "65 ± 5", _("Goodfellow et al. 2013")),
            (_("CNN of a Kaggle notebook, 4.5 M"), "65.2", _("best epoch, on a split of its own")),
            ("mini-Xception, 0.06 M", "66", ""),
            (_("Separable network, 0.17 M, soft labels"), "68.6", _("mean of five runs")),
            (_("Tang 2013, winner of the challenge"), "71.2", _("PrivateTest")),
            ("VGG-19, ResNet-18", "73.1, 73.0", _("ten crops, best epoch on the split reported")),
            ("VGG-8, 29.9 M", "73.28", _("ten crops, PublicTest")),
            (_("Pretrained on ImageNet, 224 px"), "74.1–74.4", _("20 to 50 times the arithmetic")),
            (_("Ensembles of seven or eight networks"), "75.2–76.8", ""),
        ),
    ),
    Published(
        _("FER+ as its authors count it: faces on which more than half of the raters agree, eight classes"),
        "raters.barsoum.accuracy",
        (
            ("VGG13, 8.75 M, Barsoum et al. 2016", "85.0", _("PrivateTest")),
            (_("Separable network, 0.17 M, soft labels"), "87.0", _("mean of five runs")),
        ),
    ),
    Published(
        _("FER+ as we count it: all faces, with ties and lone votes, seven classes"),
        "raters.accuracy",
        ((_("One rater against the other nine"), "70", _("counted from the votes")),),
    ),
)
AGREEMENTS: dict[str, Text] = {
    "ten of ten": _("ten of ten"),
    "eight or nine of ten": _("eight or nine"),
    "six or seven of ten": _("six or seven"),
    "five of ten or fewer": _("five or fewer"),
    "more than five of ten": _("more than five, the first three together"),
}
"""The rows of ml/measure/protocols.py as the page calls them."""
TRAINING = (
    ("model.version", _("Version")),
    ("report.parameters", _("Parameters")),
    ("report.training.epochs", _("Epochs, last stage")),
    ("report.training.minutes", _("Minutes, last stage")),
    ("report.engine", _("Software measured")),
    ("report.cost.processor", _("Processor used for timing")),
    ("report.faces.count", _("Faces measured on")),
    ("report.faces.exact_twins_in_train", _("Of these, copies of training faces")),
    ("report.faces.near_twins_in_train", _("Of these, copies or similar copies of training faces")),
    ("model.temperature", _("Temperature")),
    ("model.abstain_below", _("Too close to call below a probability of")),
    ("model.keras_sha256", _("Hash of the weights")),
    ("model.onnx_sha256", _("Hash of the rounded weights in use")),
    ("model.data_sha256", _("Hash of the training data")),
)


@dataclass(frozen=True)
class Measure:
    """One figure with its 95% interval, as written."""

    name: Text
    value: str
    interval: str
    compare: str


@dataclass(frozen=True)
class Dot:
    """One dot of a plot, in units of its 400 × 400 drawing."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Written:
    """An estimate in % and its interval, as the page writes them."""

    value: str
    interval: str


@dataclass(frozen=True)
class ModelCard:
    """The facts, and what the page makes of them. Parts that were not measured are empty."""

    facts: CardFacts

    @property
    def headlines(self) -> list[Measure]:
        """The figures of the first screen; those that the report does not hold are left out."""
        return [row for form in HEADLINES for row in _measure(self.facts, form)]

    @property
    def measures(self) -> list[Measure]:
        """The figures in a fixed order; those that the report does not hold are left out."""
        return [row for form in MEASURES for row in _measure(self.facts, form)]

    @property
    def calibration(self) -> list[Dot]:
        """The bins of the calibration plot. The area of a dot grows with its faces."""
        return [_dot(each.confidence, each.share, min(2.5 + 0.12 * sqrt(each.faces), 7)) for each in self.facts.calibration]

    @property
    def risk_floor(self) -> int:
        """The accuracy in % at which the plot of accuracy over coverage begins."""
        return hundredths(self.facts.risk_floor)

    @property
    def risk(self) -> list[Dot]:
        """The dots of that plot."""
        floor = self.facts.risk_floor
        return [_dot(point.coverage, (point.accuracy - floor) / (1 - floor), 3) for point in self.facts.risk_curve]

    @property
    def robustness(self) -> list[tuple[Text, Robustness]]:
        """The accuracies on faces that were changed, most harmful last."""
        found = sorted((-row.raters.value, index) for index, row in enumerate(self.facts.robustness) if row.raters)
        rows = (self.facts.robustness[index] for _, index in found)
        return [(CHANGES.get(row.change, row.change), row) for row in rows]

    @property
    def published(self) -> list[tuple[Published, str]]:
        """Published systems, and our figure in their protocol in %; empty where it was not measured."""
        found = ((each, self.facts.estimates.get(f"report.{each.key}")) for each in PUBLISHED)
        return [(each, decimal(100 * ours.value, 1) if ours else "") for each, ours in found]

    @property
    def agreements(self) -> list[tuple[Text, Agreement]]:
        """The accuracy by how many of ten raters agree."""
        return [(AGREEMENTS.get(row.raters, row.raters), row) for row in self.facts.agreements]

    @property
    def protocol(self) -> dict[str, str]:
        """The accuracies that say what the first figure counts, in whole percent; empty when one was not measured."""
        found = [self.facts.estimates.get(f"report.raters.{key}.accuracy") for key in PROTOCOL.values()]
        if None in found:
            return {}
        return {name: in_percent(decimal(100 * each.value, 0)) for name, each in zip(PROTOCOL, found, strict=True) if each}

    @property
    def training(self) -> list[tuple[Text, str]]:
        """The plain facts of training, hashes shortened."""
        return [(name, _plain(self.facts.scalars[key])) for key, name in TRAINING if key in self.facts.scalars]

    @property
    def comparisons(self) -> list[ComparisonRow]:
        """Changes of appearance."""
        return [comparison_row(each) for each in self.facts.fairness.comparisons] if self.facts.fairness else []

    @property
    def noise(self) -> list[ComparisonRow]:
        """Changes that make no other face."""
        return [comparison_row(each) for each in self.facts.fairness.noise] if self.facts.fairness else []


def written(found: Estimate | None) -> Written:
    """Return the estimate, a share, in %; a dash for None."""
    if found is None:
        return Written("–", "")
    value, low, high = (signed(100 * each, 1) for each in (found.value, found.low, found.high))
    return Written(in_percent(value), gettext("%(low)s to %(high)s") % {"low": low, "high": high})


def _measure(facts: CardFacts, form: MeasureFormat) -> Iterator[Measure]:
    found = facts.estimates.get(f"report.{form.key}")
    if found is None:
        return
    value, low, high = (decimal(each * form.scale, form.places) for each in (found.value, found.low, found.high))
    compare = str(form.compare)
    if form.beside:
        beside = facts.estimates.get(f"report.{form.beside}")
        compare = compare % with_unit(decimal(beside.value * form.scale, form.places), form.unit) if beside else ""
    yield Measure(form.name, with_unit(value, form.unit), gettext("%(low)s to %(high)s") % {"low": low, "high": high}, compare)


def _dot(x: float, y: float, radius: float) -> Dot:
    """Return the dot of two values from 0 to 1: 348 units for 1, from (40, 360) up and to the right."""
    return Dot(round(40 + 348 * x, 1), round(360 - 348 * y, 1), round(radius, 1))


def _plain(value: Scalar) -> str:
    if isinstance(value, float):
        return f"{value:g}".replace(".", get_format("DECIMAL_SEPARATOR"))
    if isinstance(value, int):
        return number_format(value, force_grouping=True)
    return f"{value[:12]}…" if len(value) == 64 else value
