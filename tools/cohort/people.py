"""Twelve people who do not exist. `mix` weights the mesh's average faces: appearance parameters and nothing more."""

from dataclasses import dataclass, field

Colour = tuple[float, float, float]

TONES: dict[str, tuple[Colour, Colour, float]] = {
    # name: skin, lips, exposure that makes up for half of the darkness
    "A": ((0.60, 0.35, 0.245), (0.47, 0.15, 0.13), 0.0),
    "B": ((0.46, 0.255, 0.155), (0.36, 0.13, 0.10), 0.0),
    "C": ((0.36, 0.185, 0.105), (0.29, 0.095, 0.075), 0.05),
    "D": ((0.155, 0.070, 0.038), (0.20, 0.060, 0.05), 0.2),
    "E": ((0.115, 0.050, 0.027), (0.15, 0.055, 0.045), 0.25),
}


@dataclass(frozen=True)
class Person:
    """What makes a face: sex 0 (female) to 1, a little beyond for a clearer type; age 0 (young) to 1 (old)."""

    seed: int
    sex: float
    age: float
    mix: dict[str, float]
    tone: str
    hair: str
    melanin: float = 0.9
    redness: float = 0.4
    grey: Colour | None = None
    brow: Colour | None = None
    iris: Colour = (0.035, 0.018, 0.01)
    cloth: Colour = (0.3, 0.3, 0.3)
    weight: float = 0.5
    muscle: float = 0.45
    recede: float = 0.0
    stubble: float = 0.2
    glasses: str = ""
    scarf: Colour | None = None
    shapes: dict[str, float] = field(default_factory=dict)

    @property
    def is_woman(self) -> bool:
        """Whether the face is built as a woman's."""
        return self.sex < 0.5


SOFT = {"mouth/mouth-upperlip-volume-incr": 0.35, "mouth/mouth-lowerlip-volume-incr": 0.35, "mouth/mouth-scale-vert-incr": 0.2}
"""Fuller lips, on top of what the sex of the mesh gives."""

PEOPLE = {
    "ines": Person(
        seed=12,
        sex=-0.35,
        age=0.16,
        mix={"caucasian": 1},
        tone="A",
        hair="bob",
        melanin=0.62,
        redness=0.45,
        iris=(0.05, 0.085, 0.1),
        cloth=(0.16, 0.3, 0.34),
        shapes=SOFT | {"nose/nose-scale-vert-decr": 0.35, "chin/chin-width-decr": 0.4, "head/head-fat-incr": 0.2},
    ),
    "jonas": Person(
        seed=29,
        sex=1.15,
        age=0.55,
        mix={"caucasian": 1},
        tone="A",
        hair="short",
        melanin=0.5,
        redness=0.35,
        iris=(0.06, 0.07, 0.05),
        cloth=(0.12, 0.17, 0.26),
        weight=0.62,
        recede=0.45,
        stubble=0.35,
        glasses="metal",
        shapes={f"eyes/{side}-eye-height2-incr": 0.7 for side in "lr"},
    ),
    "amara": Person(
        seed=71,
        sex=-0.3,
        age=0.22,
        mix={"african": 1},
        tone="D",
        hair="afro",
        melanin=1.0,
        redness=0.4,
        iris=(0.03, 0.014, 0.008),
        cloth=(0.45, 0.2, 0.08),
        shapes=SOFT,
    ),
    "kenji": Person(
        seed=37,
        sex=1.0,
        age=0.95,
        mix={"asian": 1},
        tone="B",
        hair="short",
        melanin=0.36,
        redness=0.3,
        grey=(0.4, 0.395, 0.385),
        brow=(0.09, 0.085, 0.08),
        muscle=0.4,
        cloth=(0.3, 0.22, 0.2),
        recede=0.35,
        stubble=0.1,
    ),
    "leyla": Person(
        seed=54,
        sex=-0.3,
        age=0.4,
        mix={"caucasian": 0.6, "asian": 0.15, "african": 0.25},
        tone="B",
        hair="scarf",
        melanin=0.95,
        redness=0.4,
        iris=(0.05, 0.026, 0.012),
        cloth=(0.11, 0.12, 0.16),
        scarf=(0.11, 0.2, 0.27),
        shapes=SOFT,
    ),
    "mateo": Person(
        seed=83,
        sex=1.15,
        age=0.12,
        mix={"caucasian": 0.55, "african": 0.2, "asian": 0.25},
        tone="C",
        hair="curls",
        melanin=0.97,
        redness=0.35,
        iris=(0.05, 0.026, 0.012),
        cloth=(0.42, 0.44, 0.47),
        stubble=0.3,
    ),
    "kofi": Person(
        seed=23,
        sex=1.1,
        age=0.3,
        mix={"african": 1},
        tone="E",
        hair="buzz",
        melanin=1.0,
        redness=0.5,
        iris=(0.035, 0.015, 0.008),
        cloth=(0.42, 0.44, 0.47),
        weight=0.55,
        muscle=0.55,
        stubble=0.25,
        glasses="dark",
    ),
    "rosa": Person(
        seed=54,
        sex=-0.25,
        age=0.5,
        mix={"caucasian": 0.45, "african": 0.25, "asian": 0.3},
        tone="C",
        hair="back",
        melanin=0.92,
        redness=0.4,
        iris=(0.06, 0.03, 0.014),
        cloth=(0.25, 0.12, 0.22),
        weight=0.66,
        shapes=SOFT,
    ),
    "mei": Person(
        seed=91,
        sex=-0.3,
        age=0.1,
        mix={"asian": 1},
        tone="A",
        hair="long",
        melanin=0.98,
        redness=0.3,
        cloth=(0.34, 0.2, 0.24),
        glasses="dark",
        shapes=SOFT,
    ),
    "greta": Person(
        seed=46,
        sex=-0.2,
        age=1.0,
        mix={"caucasian": 1},
        tone="A",
        hair="bob",
        melanin=0.3,
        redness=0.3,
        grey=(0.5, 0.49, 0.47),
        brow=(0.14, 0.12, 0.1),
        cloth=(0.2, 0.13, 0.3),
        iris=(0.05, 0.09, 0.11),
        glasses="metal",
    ),
    "arjun": Person(
        seed=64,
        sex=1.1,
        age=0.35,
        mix={"caucasian": 0.7, "asian": 0.15, "african": 0.15},
        tone="C",
        hair="short",
        melanin=0.98,
        redness=0.3,
        cloth=(0.1, 0.2, 0.18),
        stubble=0.5,
        weight=0.6,
    ),
    "tom": Person(
        seed=17,
        sex=1.2,
        age=0.75,
        mix={"caucasian": 0.5, "african": 0.5},
        tone="D",
        hair="bald",
        melanin=0.9,
        redness=0.3,
        grey=(0.3, 0.29, 0.28),
        brow=(0.05, 0.045, 0.04),
        cloth=(0.2, 0.1, 0.07),
        stubble=0.3,
    ),
}
