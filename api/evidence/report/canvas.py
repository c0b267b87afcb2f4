"""The page: fonts, colours, headings, paragraphs and tables of the report."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from fpdf import FPDF, XPos, YPos

from api.evidence.report.text import plain

MARGIN_MM, WIDTH_MM, BOTTOM_MM = 18.0, 174.0, 20.0
INK, GREY, PALE = (25, 25, 30), (105, 105, 112), (240, 240, 243)
HIS, HERS, BREACH, WARNING = (196, 78, 0), (0, 98, 160), (176, 20, 40), (190, 140, 0)
"""Orange and blue are told apart by colour-blind readers; marks and lines differ too, for black and white."""
_LINE_MM = 4.6
_ROW_MM = 3.9


class Canvas(FPDF):
    """A4 in millimetres, with the alert's reference and the page's number on every page."""

    def __init__(self, title: str, foot: str, at: datetime, *, is_exercise: bool) -> None:
        """Begin an empty report; `at` is the only moment in the file: the same inputs give the same bytes."""
        super().__init__("portrait", "mm", "A4")
        self._foot, self._is_exercise = plain(foot), is_exercise
        self._widths: dict[str, float] = {}
        self.set_creation_date(at)
        self.set_title(plain(title))
        self.set_lang("en")
        self.set_margins(MARGIN_MM, 16, MARGIN_MM)
        self.set_auto_page_break(auto=True, margin=BOTTOM_MM)
        self.add_page()

    def footer(self) -> None:
        """Say of what this is a page, and which; mark an exercise across it, over everything."""
        if self._is_exercise:
            self.set_font("helvetica", "B", 76)
            self.set_text_color(*INK)
            with self.local_context(fill_opacity=0.08), self.rotation(52, 105, 148):
                self.text(42, 172, "EXERCISE")
        self.set_y(-14)
        self.set_font("helvetica", "", 7.5)
        self.set_text_color(*GREY)
        self.cell(WIDTH_MM - 30, 5, self._foot)
        self.cell(30, 5, f"page {self.page_no()} of {{nb}}", align="R")

    def room_for(self, height_mm: float) -> None:
        """Begin a new page unless so much is left of this one."""
        if self.get_y() + height_mm > self.h - BOTTOM_MM:
            self.add_page()

    def heading(self, text: str) -> None:
        """Write a heading that is never the last line of a page."""
        self.room_for(26)
        self.ln(3)
        self.set_font("helvetica", "B", 12)
        self.set_text_color(*INK)
        self.cell(WIDTH_MM, 6.5, plain(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_draw_color(*GREY)
        self.set_line_width(0.2)
        self.line(MARGIN_MM, self.get_y(), MARGIN_MM + WIDTH_MM, self.get_y())
        self.ln(1.6)

    def paragraph(self, text: str, *, size: float = 9.5, colour: tuple[int, int, int] = INK) -> None:
        """Write a paragraph over the whole width."""
        self.set_font("helvetica", "", size)
        self.set_text_color(*colour)
        self.multi_cell(WIDTH_MM, _LINE_MM, plain(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(0.8)

    def answer(self, question: str, answers: Iterable[str]) -> None:
        """Write a question on the left and its answers beside it."""
        self.room_for(9)
        top = self.get_y()
        self.set_text_color(*INK)
        self.set_font("helvetica", "B", 9.5)
        self.cell(38, _LINE_MM, plain(question))
        self.set_font("helvetica", "", 9.5)
        for text in answers:
            self.set_x(MARGIN_MM + 38)
            self.multi_cell(
                WIDTH_MM - 38, _LINE_MM, plain(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT
            )
        self.set_y(max(self.get_y(), top + _LINE_MM) + 1.5)

    def rows(self, widths: Sequence[float], head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Write rows of small text, with the head again on every page; cells wrap, rows stay whole.

        Done with single lines of text and not with the library's own tables, which take a hundred times
        as long: a day's alert has thousands of rows.
        """
        self.room_for(16)
        self._head(widths, head)
        for number, row in enumerate(rows):
            cells = [self._wrapped(text, width - 1.6) for text, width in zip(row, widths, strict=True)]
            height = _ROW_MM * max(map(len, cells)) + 0.7
            if self.get_y() + height > self.h - BOTTOM_MM:
                self.add_page()
                self._head(widths, head)
            self._row(widths, cells, height, shaded=number % 2 == 1)
        self.ln(1.5)

    def _head(self, widths: Sequence[float], head: Sequence[str]) -> None:
        self.set_font("helvetica", "B", 8)
        self.set_text_color(*GREY)
        x = MARGIN_MM
        for text, width in zip(head, widths, strict=True):
            self.text(x + 0.8, self.get_y() + 3, plain(text))
            x += width
        self.set_y(self.get_y() + 4.6)
        self.set_font("helvetica", "", 8)
        self.set_text_color(*INK)

    def _row(
        self, widths: Sequence[float], cells: Sequence[Sequence[str]], height: float, *, shaded: bool
    ) -> None:
        top, x = self.get_y(), MARGIN_MM
        if shaded:
            self.set_fill_color(*PALE)
            self.rect(MARGIN_MM, top, WIDTH_MM, height, style="F")
        for lines, width in zip(cells, widths, strict=True):
            for number, line in enumerate(lines):
                self.text(x + 0.8, top + 3 + _ROW_MM * number, line)
            x += width
        self.set_y(top + height)

    def _wrapped(self, text: str, width_mm: float) -> list[str]:
        """Return the text in lines that fit; a word that is longer than a line is cut."""
        lines: list[str] = []
        line, used = "", 0.0
        for whole in plain(text).split():
            word, wide = whole, self._wide(whole)
            if line and used + self._wide(" ") + wide <= width_mm:
                line, used = f"{line} {word}", used + self._wide(" ") + wide
                continue
            if line:
                lines.append(line)
            while wide > width_mm and len(word) > 1:
                fits = next((n for n in range(len(word) - 1, 1, -1) if self._wide(word[:n]) <= width_mm), 1)
                lines.append(word[:fits])
                word = word[fits:]
                wide = self._wide(word)
            line, used = word, wide
        return [*lines, line]

    def _wide(self, word: str) -> float:
        """Return a word's width in the tables' font: words come again and again."""
        if word not in self._widths:
            self._widths[word] = self.get_string_width(word)
        return self._widths[word]
