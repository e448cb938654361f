"""Tables for people: plain data first, then drawn for a terminal or written as plain text."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweeper.analysis.beside import cell, columns, headings, means, signs_of
from sweeper.analysis.formatting import measured, significant, span
from sweeper.analysis.results import value_of
from sweeper.analysis.standing import Standing
from sweeper.analysis.verdict import Verdict
from sweeper.search import TrialRecord

if TYPE_CHECKING:
    import rich.table

NOTHING = "-"
"""What a cell says where there is no value."""


@dataclass(frozen=True)
class Table:
    """Headings, and rows of as many cells."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def plain(self) -> str:
        """Return the table in columns of spaces, one line for each row, with no colour and no frame."""
        lines = (self.headings, *self.rows)
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "".join(_line(cells, widths) for cells in lines)

    def rich(self) -> "rich.table.Table":
        """Return the table for a terminal; long cells are folded, and no cell is taken for markup."""
        import rich.box
        import rich.table
        import rich.text

        drawn = rich.table.Table(box=rich.box.SIMPLE)
        for heading in self.headings:
            drawn.add_column(heading, overflow="fold")
        for cells in self.rows:
            drawn.add_row(*map(rich.text.Text, cells))
        return drawn


def arm_table(verdict: Verdict) -> Table:
    """Return the arms, best first on validation. What was tried and chosen is in the lines of the verdict.

    What else was measured on test, and the signs, are those of the finals that the value is the mean of.
    """
    beside = columns(verdict.test_metric, (final.test for standing in verdict.standings for final in _finals(standing)))
    finals = (verdict.test_metric, "95 % interval", "seeds", *headings(beside), verdict.metric)
    known = ("rank", "arm", *finals, "best of search")
    rows = [_arm_row(rank, standing, beside) for rank, standing in enumerate(verdict.standings, start=1)]
    wrong = [_signs(standing) for standing in verdict.standings]
    if not any(wrong):
        return Table(known, tuple(rows))
    return Table((*known, "signs"), tuple((*row, signs or NOTHING) for row, signs in zip(rows, wrong, strict=True)))


def _arm_row(rank: int, standing: Standing, beside: tuple[str, ...]) -> tuple[str, ...]:
    best = standing.records.best
    *on_test, on_validation = _finals_cells(standing)
    others = means([final.test for final in _finals(standing)])
    return (
        str(rank),
        standing.arm,
        *on_test,
        *(cell(name, others, NOTHING) for name in beside),
        on_validation,
        significant(value_of(best)) if best else NOTHING,
    )


def _finals(standing: Standing) -> tuple[TrialRecord, ...]:
    return standing.chosen.finals if standing.chosen else ()


def _signs(standing: Standing) -> str:
    """Return the signs of the finals, without any those of the best trial of the search."""
    best = standing.records.best
    return signs_of(_finals(standing) or ((best,) if best else ()))


def _finals_cells(standing: Standing) -> tuple[str, str, str, str]:
    """Return mean on test, its interval, the number of seeds and the mean on validation."""
    if standing.chosen is None:
        return NOTHING, NOTHING, "0", NOTHING
    test, validation = standing.chosen.test, standing.chosen.validation
    interval = test.interval()
    shown = span(interval) if interval else NOTHING
    return measured(test.mean, interval), shown, str(test.size), measured(validation.mean, interval)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip() + "\n"
