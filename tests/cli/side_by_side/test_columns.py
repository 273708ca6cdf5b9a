"""Texts in columns of an exact width."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bourn.cli.canvas import cells
from bourn.cli.side_by_side.columns import GAP, column_width, fit, rows_of, side_by_side, wrap

TEXTS = st.text(st.sampled_from("ab \n\t日本語é\u0301🙂-"), max_size=80)


@given(TEXTS, st.integers(2, 30))
def test_no_line_is_too_wide_and_no_letter_is_lost(text: str, width: int) -> None:
    """Words stay whole where they fit; every character but blanks is there, in order."""
    lines = wrap(text, width)
    assert all(cells(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_words_are_kept_and_paragraphs_too() -> None:
    """Lines break between words, and where the text breaks."""
    assert wrap("one two three\n\nfour", 8) == ["one two", "three", "", "four"]
    assert wrap("incomprehensible", 6) == ["incomp", "rehens", "ible"]


@given(TEXTS.map(lambda text: text.replace("\n", "")), st.integers(2, 30))
def test_fit_is_exact(line: str, width: int) -> None:
    """As wide as asked, whatever was cut or added; at most a wide character's half is missing."""
    fitted = fit(line.replace("\t", ""), width)
    assert cells(fitted) == width


def test_columns_stand_beside_each_other() -> None:
    """Filled up where one is longer."""
    assert side_by_side([["a", "b"], ["c"]], 11) == [f"a   {GAP}c", f"b   {GAP}".rstrip()]


def test_there_are_as_many_rows_as_there_have_to_be() -> None:
    """No column is narrower than can be read, and rows are even."""
    assert rows_of(3, 110) == [3]
    assert rows_of(5, 80) == [3, 2]
    assert rows_of(4, 30) == [1, 1, 1, 1]
    assert rows_of(2, 5) == [1, 1]
    assert column_width(3, 110) == 34
