"""Shapes of a drawing on paper. They are turned into SVG by the template report/_drawing.svg."""

from __future__ import annotations

from dataclasses import dataclass, field


def px(value: float) -> str:
    """Return a length with one decimal: a template would write it in the reader's language."""
    return f"{value:.1f}"


@dataclass(frozen=True)
class Shape:
    """One path (`d`), circle (`r`), mark of an expression (`mark`) or line of text, with its class."""

    look: str
    d: str = ""
    x: str = ""
    y: str = ""
    r: str = ""
    mark: str = ""
    text: str = ""
    after: str = ""  # a second, quieter part of the text


@dataclass
class Drawing:
    """A drawing of `width` × `height` px. `label` says what it shows to those who do not see it."""

    width: int
    height: int
    label: str
    shapes: list[Shape] = field(default_factory=list)

    def path(self, look: str, d: str) -> None:
        """Add a path."""
        self.shapes.append(Shape(look, d=d))

    def line(self, look: str, x1: float, y1: float, x2: float, y2: float) -> None:
        """Add a straight line."""
        self.path(look, f"M{px(x1)} {px(y1)}L{px(x2)} {px(y2)}")

    def box(self, look: str, left: float, top: float, width: float, height: float) -> None:
        """Add a rectangle."""
        self.path(look, f"M{px(left)} {px(top)}h{px(width)}v{px(height)}h{px(-width)}z")

    def circle(self, look: str, x: float, y: float, r: float) -> None:
        """Add a circle."""
        self.shapes.append(Shape(look, x=px(x), y=px(y), r=px(r)))

    def text(self, look: str, x: float, y: float, text: str, after: str = "") -> None:
        """Add a line of text; `y` is its base line."""
        self.shapes.append(Shape(look, x=px(x), y=px(y), text=text, after=after))

    def mark(self, name: str, x: float, y: float) -> None:
        """Add the mark of an expression, 8 px wide, with its upper left corner at (x, y)."""
        self.shapes.append(Shape(name, x=px(x), y=px(y), mark=name))
