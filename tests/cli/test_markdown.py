"""Markdown on a terminal: what each mark becomes, and what no text may ever do."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bourn.cli.markdown import Markdown
from bourn.cli.terminal import CONTROLS

SGR = re.compile(r"\x1b\[[0-9;]*m")
MARKS = st.text(st.sampled_from("ab1 \n*_`~#>-+.)|[](!\\é中\t\r\x1b"), max_size=60)
"""Texts dense in marks."""


def render(text: str, width: int = 60) -> str:
    markdown = Markdown(width)
    return markdown.feed(text) + markdown.close()


def shown(text: str, width: int = 60) -> str:
    """What a person sees, without styles."""
    return SGR.sub("", render(text, width))


def styled(text: str) -> str:
    """The one line rendered, with styles written as `<1>`, and `<>` for none."""
    return SGR.sub(lambda match: "<" + match[0][2:-1].removeprefix("0").lstrip(";") + ">", render(text)).removesuffix("\n")


LINES = {
    "plain words": "plain words",
    "**bold** and *italic*": "<1>bold<> and <3>italic<>",
    "***both***": "<1;3>both<>",
    "_italic_ too": "<3>italic<> too",
    "~~gone~~": "<9>gone<>",
    "`code` here": "<36>code<> here",
    "`` a`b ``": "<36>a`b<>",
    "**a `b` c**": "<1>a <1;36>b<1> c<>",
    "**a *b* c**": "<1>a <1;3>b<1> c<>",
    "*a **b** c*": "<3>a <3;1>b<3> c<>",
    "**bold *it***": "<1>bold <1;3>it<>",
    "这是**重点**内容": "这是<1>重点<>内容",
    "# Head": "<1;4>Head<>",
    "### Head *x*": "<1>Head <1;3>x<>",
    "#hash": "#hash",
    "####### seven": "####### seven",
    "- item": "• item",
    "* item": "• item",
    "  + item": "  • item",
    "- - twice": "• • twice",
    "-not": "-not",
    "- [ ] todo": "• [ ] todo",
    "1. one": "1. one",
    "12) two": "12) two",
    "3.14 is": "3.14 is",
    "> said": "<2>│ <>said",
    ">> said": "<2>│ │ <>said",
    "> - item": "<2>│ <>• item",
    "---": "<2>" + "─" * 40 + "<>",
    "* * *": "<2>" + "─" * 40 + "<>",
    "[text](http://x.y)": "<4>text<> <2>(http://x.y)<>",
    "[w](http://x/a_(b))": "<4>w<> <2>(http://x/a_(b))<>",
    "[http://x](http://x)": "<4>http://x<>",
    "![alt](a.png)": "<4>alt<> <2>(a.png)<>",
    "[1] and [x]": "[1] and [x]",
    r"\*no\* \_no\_": "*no* _no_",
    r"\(x_1\) \[y\]": r"\(x_1\) \[y\]",
    "2 * 3 * 4": "2 * 3 * 4",
    "2*3*4": "2*3*4",
    "snake_case_name": "snake_case_name",
    "__init__": "__init__",
    "**kwargs, *args": "**kwargs, *args",
    "5 ` open": "5 ` open",
    "~5 ~ 6": "~5 ~ 6",
    "| a | **b** |": "| a | **b** |",
    "*a\\* b*": "<3>a* b<>",
    "tail *": "tail *",
    "tail **": "tail **",
}


@pytest.mark.parametrize("text", LINES)
def test_a_line(text: str) -> None:
    """Each mark becomes its style, and what is no mark stays what it is."""
    assert styled(text) == LINES[text]


def test_code_blocks_keep_their_bytes() -> None:
    """Inside a fence nothing is a mark, blank lines and indents stay, and only its own fence ends it."""
    text = "```py\n\n  x = '**a**'  \n~~~\n# no\n``\n````\nafter *it*"
    assert shown(text) == "```py\n\n  x = '**a**'  \n~~~\n# no\n``\n````\nafter it\n"


def test_a_quoted_code_block_ends_with_its_quote() -> None:
    """A code block in a quote has the quote's bar on each line, and ends where the bars end."""
    assert shown("> ```\n>  x\n> ```\n> after") == "│ ```\n│  x\n│ ```\n│ after\n"
    assert shown("> ```\n> x\nout **b**") == "│ ```\n│ x\nout b\n"


def test_blank_lines_are_single_and_never_at_the_ends() -> None:
    """Blank lines before the first and after the last line are dropped, several become one."""
    assert shown("\n\n a\n\n\n\nb\n\n") == " a\n\nb\n"


def test_long_lines_break_between_words_and_hang() -> None:
    """A paragraph breaks between words; what continues a list item or a quote stands below its text."""
    assert shown("aaa bbb ccc", 8) == "aaa bbb\nccc\n"
    assert shown("- aaa bbb ccc", 8) == "• aaa\n  bbb\n  ccc\n"
    assert shown("10. aaa bbb", 8) == "10. aaa\n    bbb\n"
    assert shown("> aaa bbb", 8) == "│ aaa\n│ bbb\n"


def test_a_word_wider_than_the_line_stays_whole() -> None:
    """A URL is not cut in two."""
    assert shown("see http://example.org/a/b ok", 10) == "see\nhttp://example.org/a/b\nok\n"


def test_wide_characters_count_twice_and_may_be_parted() -> None:
    """A line of Chinese breaks where it is full, without blanks."""
    assert shown("一二三四五", 8) == "一二三四\n五\n"


def test_code_and_tables_are_not_broken() -> None:
    """What is aligned by hand stays so."""
    assert shown("```\n" + "x " * 9 + "\n```", 8) == "```\n" + "x " * 9 + "\n```\n"
    assert shown("| aaa | bbb | ccc |", 8) == "| aaa | bbb | ccc |\n"


def test_words_appear_before_their_line_is_over() -> None:
    """Prose is written word by word, not line by line."""
    markdown = Markdown(60)
    assert markdown.feed("The sky is bl") == "The sky is"
    assert markdown.feed("ue because **it") == " blue because"
    assert markdown.feed("** is") == " \x1b[0;1mit"


def test_a_span_that_never_closes_is_given_up() -> None:
    """After enough characters a mark was text, and the words come."""
    markdown = Markdown(60)
    assert "*a" in markdown.feed("*a " + "b " * 300)


def test_control_characters_do_not_reach_the_terminal() -> None:
    """An escape sequence from the model is shown as text, in prose, code and headings alike."""
    for text in ("a\x1b[31mb", "```\n\x1b]0;title\x07\n```", "# \x9b2J", "| \x1b |", "`\x1b`", "a\rb"):
        out = shown(text)
        assert not any(code in CONTROLS for code in map(ord, out)), out


@given(MARKS)
@example("**a*b**c*")
def test_the_same_output_at_any_cut(text: str) -> None:
    """Fed whole, cut in two anywhere, or character by character, the bytes are the same."""
    whole = render(text, 20)
    for at in range(len(text) + 1):
        markdown = Markdown(20)
        assert markdown.feed(text[:at]) + markdown.feed(text[at:]) + markdown.close() == whole
    markdown = Markdown(20)
    assert "".join(map(markdown.feed, text)) + markdown.close() == whole


@given(MARKS)
def test_no_letter_is_lost_or_doubled(text: str) -> None:
    """Every letter and digit of the text appears once, in order; a link that shows its own address shows it once."""
    letters = re.sub(r"[\W_]", "", text)
    out = re.sub(r"[\W_]", "", shown(text, 20))
    assert out == letters or (re.search(r"\[(.*)\]\(", text) and len(out) < len(letters))


@given(MARKS)
def test_nothing_but_our_own_styles_and_a_clean_end(text: str) -> None:
    """Whatever the text, no control character gets through, and the terminal is left without style, at a line's beginning."""
    out = render(text, 20)
    assert not any(code in CONTROLS for code in map(ord, SGR.sub("", out)))
    assert SGR.findall(out)[-1:] in ([], ["\x1b[0m"])
    assert out == "" or out.endswith(("\n", "\n\x1b[0m"))


def test_the_time_is_linear_in_the_text() -> None:
    """The work grows with the text and not faster, also for the worst marks: ten times the text, far less than a hundred times.

    Counted in calls of the renderer's own functions, not in seconds.
    """
    for unit in ("*a ", "[a](b ", "_a ", "~~a `b "):
        assert work(unit * 1500) < 15 * work(unit * 150), unit


def work(text: str) -> int:
    import sys

    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        render(text)
    finally:
        sys.setprofile(None)
    return calls
