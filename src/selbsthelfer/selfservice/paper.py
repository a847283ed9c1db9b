"""The common look of what is printed: one calm A4 page after the other, with real text."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Final

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from selbsthelfer.kit.wording import Language

PLAIN, BOLD = "Vera", "VeraBd"
MAX_PAGES: Final = 20
"""Pages of one document; nothing that we print comes near."""

_WIDTH, _HEIGHT = A4
_LEFT, _RIGHT = 25 * mm, _WIDTH - 20 * mm
_TOP, _BOTTOM = _HEIGHT - 25 * mm, 25 * mm
_GREY: Final = 0.4


class PaperTooLongError(ValueError):
    """A document would have more than `MAX_PAGES` pages."""


def _fonts_ready() -> None:
    """Load the two fonts that the PDF library brings; they have the letters of all languages around us."""
    for name in (PLAIN, BOLD):
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))


class Paper:
    """Writes a document from top to bottom under the name of the operator; `is_small` presses it together."""

    def __init__(self, *, title: str, language: Language, brand: str, is_small: bool = True) -> None:
        _fonts_ready()
        self._file = BytesIO()
        self._canvas = Canvas(
            self._file,
            pagesize=A4,
            lang=language.value,
            invariant=1,
            pageCompression=int(is_small),
        )
        self._canvas.setTitle(f"{brand} – {title}")
        self._canvas.setAuthor(brand)
        self._canvas.setCreator("Selbsthelfer")
        self._canvas.setViewerPreference("DisplayDocTitle", "true")
        self._y = _TOP
        self._pages = 1
        self._write(_LEFT, brand, BOLD, 11)
        self._y -= 9 * mm

    def heading(self, text: str) -> None:
        self._y -= 6 * mm
        for line in self._wrapped(text, BOLD, 17, _RIGHT - _LEFT):
            self._room(9 * mm)
            self._write(_LEFT, line, BOLD, 17)
            self._y -= 9 * mm
        self._y -= 2 * mm

    def subheading(self, text: str) -> None:
        self._room(16 * mm)
        self._y -= 5 * mm
        self._write(_LEFT, text, BOLD, 10.5)
        self._y -= 6.5 * mm

    def paragraph(self, text: str, *, is_quiet: bool = False) -> None:
        size = 8.5 if is_quiet else 10
        for line in self._wrapped(text, PLAIN, size, _RIGHT - _LEFT):
            self._room(5 * mm)
            self._write(_LEFT, line, PLAIN, size, grey=_GREY if is_quiet else 0)
            self._y -= 5 * mm
        self._y -= 1.5 * mm

    def pair(self, name: str, value: str) -> None:
        """Write a name, and beside it a value that may take several lines."""
        middle = _LEFT + 52 * mm
        names = self._wrapped(name, PLAIN, 10, 50 * mm)
        values = self._wrapped(value, PLAIN, 10, _RIGHT - middle)
        for place in range(max(len(names), len(values))):
            self._room(5.5 * mm)
            if place < len(names):
                self._write(_LEFT, names[place], PLAIN, 10, grey=_GREY)
            if place < len(values):
                self._write(middle, values[place], PLAIN, 10)
            self._y -= 5.5 * mm
        self._y -= 0.5 * mm

    def row(self, cells: Sequence[str], *, is_bold: bool = False) -> None:
        """Write what, how much of it and the sum of money, which stands at the right."""
        what, quantity, amount = cells
        font = BOLD if is_bold else PLAIN
        for place, line in enumerate(self._wrapped(what, font, 10, 105 * mm) or [""]):
            self._room(5.5 * mm)
            self._write(_LEFT, line, font, 10)
            if place == 0:
                self._write_right(_RIGHT - 30 * mm, quantity, font)
                self._write_right(_RIGHT, amount, font)
            self._y -= 5.5 * mm

    def rule(self) -> None:
        self._room(4 * mm)
        self._canvas.setStrokeGray(0.75)
        self._canvas.line(_LEFT, self._y + 2.5 * mm, _RIGHT, self._y + 2.5 * mm)
        self._y -= 2.5 * mm

    def finished(self) -> bytes:
        """Close the document and give its bytes."""
        self._canvas.showPage()
        self._canvas.save()
        return self._file.getvalue()

    def _wrapped(self, text: str, font: str, size: float, width: float) -> list[str]:
        return [str(line) for line in simpleSplit(text, font, size, width)]

    def _write(self, x: float, text: str, font: str, size: float, *, grey: float = 0) -> None:
        self._canvas.setFont(font, size)
        self._canvas.setFillGray(grey)
        self._canvas.drawString(x, self._y, text)

    def _write_right(self, x: float, text: str, font: str) -> None:
        self._canvas.setFont(font, 10)
        self._canvas.setFillGray(0)
        self._canvas.drawRightString(x, self._y, text)

    def _room(self, height: float) -> None:
        """Begin another page where this one is full; raises `PaperTooLongError`."""
        if self._y - height >= _BOTTOM:
            return
        if self._pages == MAX_PAGES:
            raise PaperTooLongError(f"a document has at most {MAX_PAGES} pages")
        self._pages += 1
        self._canvas.showPage()
        self._y = _TOP
