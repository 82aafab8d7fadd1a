"""The histories of the demo's six patients: visits, photos, self-reports and events. Days count back from today."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Stay:
    """One visit: days before today, what each photo is meant to show, (mood, PHQ-9, GAD-7), the note."""

    days: int
    photos: str
    scales: tuple[int | None, int | None, int | None] = (None, None, None)
    note: str = ""
    usual: bool = False
    spoiled: str = ""


@dataclass(frozen=True)
class Happening:
    """One event: kind, words, first day, last day or None, whether it goes on. Days before today."""

    kind: str
    label: str
    starts: int
    ends: int | None = None
    goes_on: bool = False


@dataclass(frozen=True)
class Story:
    """One patient of the demo."""

    person: str
    name: str
    born: date
    title: str
    visits: tuple[Stay, ...]
    events: tuple[Happening, ...] = ()
    purposes: tuple[str, ...] = ("care",)
    withdraws_after: int | None = None  # days before today on which the consent to care is taken back


INES = Story(
    "ines", "Ines Aalto", date(1988, 4, 17), "recovery",
    (
        Stay(532, "sad 1, sad .8, sad .9", (2, 21, 12), "First visit. Sleeps four hours, has stopped seeing friends.", True),
        Stay(497, "sad .9, neutral 1 sad .4, sad .8", (2, 20, 12), "Little change.", True),
        Stay(455, "sad .8, sad .6, neutral 1 sad .3", (3, 18, 11), "", True),
        Stay(413, "sad .7, neutral 1 sad .3, neutral 1", (3, 17, 9), "Side effects in the first week, gone now.", True),
        Stay(364, "neutral 1 sad .2, sad .5, neutral 1", (4, 14, 8), "Walks every day.", spoiled="dog"),
        Stay(315, "neutral 1, neutral 1 sad .3, happy .3", (5, 12, 8), "Brought a photo of her new dog."),
        Stay(266, "neutral 1, happy .5, neutral 1", (5, 10, 6)),
        Stay(217, "happy .6, neutral 1, happy .4", (6, 9, 5), "Back at work, half days."),
        Stay(161, "happy .7, neutral 1 happy .2, happy .6, neutral 1", (6, 7, 5)),
        Stay(112, "happy .8, happy .6, neutral 1", (7, 5, 4), "", spoiled="blurred"),
        Stay(56, "happy .9, happy .7, happy .5", (7, 4, 3), "Sings in the choir again."),
        Stay(7, "happy 1, happy .8, neutral 1 happy .2, surprise .5 happy .4", (8, 3, 3), "Wants to taper in spring."),
    ),
    (
        Happening("medication", "Sertraline 50 mg", 490, 414), Happening("medication", "Sertraline 100 mg", 413, goes_on=True),
        Happening("therapy", "Behavioural activation, weekly", 462, 210), Happening("life_event", "Back at work", 224),
    ),
    ("care", "research"),
)  # fmt: skip

JONAS = Story(
    "jonas", "Jonas Brandt", date(1971, 11, 2), "relapse after a change of medication",
    (
        Stay(525, "neutral 1 happy .2, happy .5, neutral 1", (6, 8, 5), "Stable on lithium for two years.", True),
        Stay(462, "happy .6, neutral 1, neutral 1", (7, 7, 4), "", True),
        Stay(399, "happy .5, neutral 1 happy .2, neutral 1", (7, 6, 4), "", True),
        Stay(343, "happy .6, neutral 1, happy .4", (7, 6, 4), "Asks to stop: tremor, thirst.", True),
        Stay(287, "neutral 1, neutral 1 sad .2, happy .3", (6, 9, 6), "Three weeks after the change.", spoiled="two_faces"),
        Stay(252, "sad .5, neutral 1 angry .3, neutral 1 sad .3", (4, 14, 9), "Sleeps badly, irritable. His wife came along."),
        Stay(217, "sad .9, angry .5, sad .8", (2, 20, 13), "Missed work for two weeks."),
        Stay(182, "sad 1, sad .8, sad .9", (2, 22, 14), "Lithium restarted on the ward."),
        Stay(98, "neutral 1, neutral 1 sad .2, happy .4", (5, 10, 6)),
        Stay(14, "happy .5, neutral 1, happy .4", (6, 8, 5), "Back to his usual.", spoiled="cut_off"),
    ),
    (
        Happening("medication", "Lithium 900 mg", 540, 309), Happening("medication", "Changed to lamotrigine", 308, 190),
        Happening("admission", "Ward 3", 205, 168), Happening("medication", "Lithium 900 mg again", 190, goes_on=True),
    ),
)  # fmt: skip

AMARA = Story(
    "amara", "Amara Osei", date(1991, 8, 9), "anxious spells",
    (
        Stay(518, "fear .7, neutral 1, fear .5", (4, 9, 16), "Panic attacks on the train."),
        Stay(434, "fear .9, fear .7, surprise .5 fear .3", (3, 10, 18), "Attack in the waiting room."),
        Stay(385, "neutral 1, happy .5, neutral 1 fear .2", (6, 6, 10), spoiled="dark"),
        Stay(336, "happy .6, neutral 1, happy .5", (7, 5, 8), "A good month."),
        Stay(287, "fear .8, fear .6, neutral 1 fear .3", (4, 9, 15), "Exams."),
        Stay(210, "fear .6, neutral 1 fear .3, happy .3", (5, 7, 12)),
        Stay(133, "happy .7, neutral 1, happy .5", (7, 4, 7), "Took the train again."),
        Stay(56, "neutral 1, fear .5, happy .5", (6, 5, 9)),
        Stay(3, "happy .8, happy .6, neutral 1", (7, 4, 6), "First month without an attack."),
    ),
    (
        Happening("therapy", "Exposure, weekly", 420, 140), Happening("life_event", "Exams", 294, 280),
        Happening("medication", "Propranolol when needed", 430, goes_on=True),
    ),
    ("care", "teaching"),
)  # fmt: skip

KENJI = Story(
    "kenji", "Kenji Mori", date(1949, 1, 23), "flat affect",
    (
        Stay(511, "neutral 1, neutral 1 sad .15, neutral 1", (5, 9, 4), "Says he is well; the face moves little.", True),
        Stay(441, "neutral 1 sad .15, neutral 1, neutral 1", (5, 10, 4), "", True),
        Stay(371, "neutral 1, neutral 1 happy .15, neutral 1", (6, 9, 3), "", True),
        Stay(301, "neutral 1, neutral 1, neutral 1 sad .1", (5, 9, 4), "Neurology sees him for stiffness.", True),
        Stay(231, "neutral 1, neutral 1 sad .2, neutral 1", (5, 9, 4), "", True, "too_small"),
        Stay(161, "neutral 1 happy .2, neutral 1, neutral 1", (6, 8, 3), "", True),
        Stay(91, "neutral 1, happy .25, neutral 1", (6, 8, 3), "His daughter visited.", True),
        Stay(28, "neutral 1, neutral 1, neutral 1 happy .1", (6, 8, 3), "Numbers say little here; speech and sleep say more."),
    ),
    (Happening("note", "Parkinson's disease suspected; face not to be compared with others", 262),
     Happening("medication", "Levodopa", 175, goes_on=True)),
)  # fmt: skip

LEYLA = Story(
    "leyla", "Leyla Haddad", date(1979, 6, 30), "steady",
    (
        Stay(504, "neutral 1, happy .5, neutral 1", (7, 4, 4), "Yearly care plan agreed.", True),
        Stay(434, "neutral 1 happy .2, happy .4, neutral 1", (7, 5, 4), "", True),
        Stay(364, "happy .5, neutral 1, happy .6", (7, 4, 4), "", True),
        Stay(294, "neutral 1, neutral 1 happy .2, happy .5", (7, 4, 3), "", True),
        Stay(224, "happy .5, neutral 1, neutral 1", (7, 4, 4), "", True),
        Stay(154, "neutral 1, happy .6, neutral 1 happy .2", (8, 3, 3), "", True, "no_face"),
        Stay(77, "happy .6, neutral 1, happy .4", (7, 4, 3), "", True),
        Stay(0, "happy .6, neutral 1, happy .5, disgust .5", (7, 4, 4), "Told about the hospital food."),
    ),
    (Happening("medication", "Escitalopram 10 mg", 540, goes_on=True), Happening("therapy", "Relapse prevention group", 300, 216)),
)  # fmt: skip

MATEO = Story(
    "mateo", "Mateo Reyes", date(1999, 3, 5), "drop-out with gaps, consent withdrawn",
    (
        Stay(497, "angry .5, neutral 1 sad .3, sad .6", (3, 16, 11), "Came because his sister asked."),
        Stay(483, "neutral 1, sad .6, angry .4", (3, 16, 11)),
        Stay(469, "sad .5, neutral 1, neutral 1 sad .3", (4, 14, 10)),
        Stay(455, "neutral 1, happy .4, neutral 1", (5, 12, 9), "Talks more."),
        Stay(308, "sad .8, angry .6, sad .6", (2, 19, 13), "Five months away. Lost the flat."),
        Stay(294, "angry .8, sad .7, disgust .5", (2, 19, 13)),
        Stay(91, "neutral 1 sad .2, sad .5, neutral 1", (4, 14, 9), "Came once more; wants to go on elsewhere."),
        Stay(77, "neutral 1, happy .3, neutral 1 sad .2", (5, 12, 8), "Handed over. Takes his consent to photos back."),
    ),
    (Happening("life_event", "Moved out", 330), Happening("therapy", "Short-term therapy", 490, 450)),
    withdraws_after=0,
)  # fmt: skip

STORIES = (INES, JONAS, AMARA, KENJI, LEYLA, MATEO)
