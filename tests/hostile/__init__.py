"""Hostile, broken and odd files, all drawn or written here: what each must lead to, at the page as at the API."""

from tests.hostile.case import MARK, Hostile
from tests.hostile.foreign import FOREIGN
from tests.hostile.heics import HEICS
from tests.hostile.jpegs import JPEGS
from tests.hostile.metadata import METADATA
from tests.hostile.pngs import PNGS
from tests.hostile.webps import WEBPS

CORPUS: tuple[Hostile, ...] = (*FOREIGN, *JPEGS, *METADATA, *PNGS, *WEBPS, *HEICS)

__all__ = ["CORPUS", "MARK", "Hostile"]
