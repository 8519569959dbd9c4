"""Written answers are found under whatever name a student gives a part."""

from __future__ import annotations

import time

import pytest

from grader.submissions.written_answers import latex_answers, markdown_answers, merged, problem_in


@pytest.mark.parametrize(
    "name",
    [
        "(a)", "(A)", "a)", "a.", "## (a)", "##(a)", "**(a)**", "__(a)__", "*(a)*", "- (a)",
        "Part a:", "Part A:", "Part (a):", "part (a)", "**Part a**", "## Part a", "### Part a:",
        "Problem 1 (a)", "Problem 1(a):", "**Problem 1 (a)**", "# Problem 1, part (a)", "Q1 (a)",
        "1a)", "1(a)", "1.a)", "### 1.a", "### 1a", "## a", "**1(a)**", "## 1. (a)",
    ],
)  # fmt: skip
def test_a_part_is_known_by_any_usual_name(name: str) -> None:
    for text in (f"{name} Before ReLU.", f"{name}\nBefore ReLU.", f"{name}\n\n  Before ReLU.\n\n"):
        if name in ("## a", "### 1.a", "### 1a") and text.startswith(f"{name} "):
            continue  # a letter followed by a word is prose
        assert markdown_answers([text]) == {"a": "Before ReLU."}, text


def test_answers_are_split_where_the_next_part_begins() -> None:
    text = "# Homework 2\n\nIntro.\n\n(a) One\n\nmore of (a)\n\n(b)\n\nTwo\n(d) Four"
    assert markdown_answers([text]) == {"a": "One\n\nmore of (a)", "b": "Two", "d": "Four"}


@pytest.mark.parametrize(
    "blank",
    [
        "",
        "\n\n---\n",
        "*Write your answer here.*",
        "_Your answer here_",
        "> **TODO**: write this",
        "<!-- explain\nin two lines -->",
        "Answer:",
        "...",
    ],
)
def test_a_part_with_nothing_but_a_placeholder_is_blank(blank: str) -> None:
    text = f"## (a) Which comes first?\n{blank}\n## (b)\nTwo"
    assert markdown_answers([text]) == {"a": "", "b": "Two"}


def test_a_placeholder_that_was_left_standing_does_not_hide_the_answer() -> None:
    assert markdown_answers(["(a)\n*Write your answer here.*\nFirst."]) == {"a": "First."}


def test_an_answer_in_the_heading_counts_unless_it_is_the_question() -> None:
    assert markdown_answers(["## (a) Before ReLU.\n## (b) Why not?\n"]) == {
        "a": "Before ReLU.",
        "b": "",
    }
    assert markdown_answers(["## (a) Title\nFirst\n\n**(b) Title** Second"]) == {
        "a": "Title\n\nFirst",
        "b": "Title\n\nSecond",
    }


def test_prose_that_looks_like_a_marker_stays_prose() -> None:
    text = (
        "(a) See\n(a) above. Groups:\n(i) batch norm\n(ii) biases\ni) again\ne.g. this\n"
        "part a of it\nA. Smith said so\n```\n# (b) a comment\n```\n"
    )
    found = markdown_answers([text])
    assert set(found) == {"a"}
    assert found["a"].endswith("# (b) a comment\n```")


def test_another_section_ends_a_part_and_a_deeper_one_does_not() -> None:
    text = "## (a)\nOne\n### Details\nMore\n## Time spent\n3 h\n"
    assert markdown_answers([text]) == {"a": "One\n### Details\nMore"}


@pytest.mark.parametrize(
    "other",
    ["# Problem 2\n(a) Other", "Problem 2: Training\n(a) Other", "2(a) Other", "2. (a) Other",
     "**Problem 2 (a)** Other", "Q2 (a) Other", "# HW 2, Problem 2\n## (a)\nOther"],
)  # fmt: skip
def test_a_heading_of_another_problem_is_not_part_a(other: str) -> None:
    assert markdown_answers([f"# Problem 1\n(b) Two\n{other}"]) == {"b": "Two", "2a": "Other"}
    assert markdown_answers([other]) == {"2a": "Other"}
    both = markdown_answers([f"# Problem 1\n(a) One\n(b) Two\n{other}\n# Problem 1\n(d) Four"])
    assert both == {"a": "One", "b": "Two", "2a": "Other", "d": "Four"}


def test_a_file_may_be_named_after_its_problem() -> None:
    names = {"hw2_problem2.py": "2", "ada_hw2_p2.tex": "2", "hw2_problem1.md": "", "hw2.py": "",
             "answers.md": "", "Problem 03.docx": "3", "help2.md": "", "problem12.md": "12"}
    assert {name: problem_in(name) for name in names} == names
    assert markdown_answers(["(a) One\n1(b) Two"], "2") == {"2a": "One", "b": "Two"}


def test_a_problem_in_prose_begins_nothing() -> None:
    text = "(a) One.\nProblem 2 was harder.\nq2 in the notes\nmore"
    assert set(markdown_answers([text])) == {"a"}


def test_a_part_goes_on_in_the_next_cell_of_a_notebook() -> None:
    cells = ["# HW 2", "**(a)** One", "and more\n```\nunclosed", "**(b)** Two", "**(a)** again"]
    found = markdown_answers(cells)
    assert found == {"a": "One\n\nand more\n```\nunclosed\n\nagain", "b": "Two"}


@pytest.mark.parametrize(
    "name",
    [
        r"\item[(a)]", r"\item[a)]", r"\item[\textbf{(a)}]", r"\item (a)", r"\section{Part a}",
        r"\subsection*{(a)}", r"\subsubsection{1.a}", r"\textbf{(a)}", r"\noindent \textbf{(a)}",
        r"\paragraph{Part a}", r"\paragraph{(a)}", r"{\bf (a)}", "(a)", r"\textbf{Problem 1 (a)}",
    ],
)  # fmt: skip
def test_a_part_is_known_by_any_usual_name_in_latex(name: str) -> None:
    text = (
        "\\documentclass{article}\n% (c) a comment\n\\newcommand{\\x}{(d) preamble}\n"
        f"\\begin{{document}}\n{name} Before ReLU, 100\\%. % (e) note\n"
        "\\textbf{(b)} \\textit{Write your answer here.}\n\\end{document}\n(f) after"
    )
    assert latex_answers(text) == {"a": "Before ReLU, 100\\%.", "b": ""}


def test_a_heading_in_latex_may_hold_a_command_and_a_blank_part_only_layout() -> None:
    text = (
        "\\subsection*{(a) What is in \\texttt{resnet.py}?}\nA block.\n"
        "\\begin{enumerate}\n\\item[(b)]\n\\vspace{3cm}\n\\end{enumerate}\n\\newpage\n"
    )
    assert latex_answers(text) == {"a": "What is in \\texttt{resnet.py}?\n\nA block.", "b": ""}


def test_items_without_names_are_counted() -> None:
    items = "\\begin{enumerate}\n\\item One\n\\item\n\\item Three\n\\end{enumerate}"
    assert latex_answers(items) == {"a": "One", "b": "", "c": "Three"}


def test_nested_items_are_the_parts_of_the_first_problem() -> None:
    text = (
        "\\begin{enumerate}\n\\item Problem\n\\begin{enumerate}[(a)]\n\\item One\n\\item Two\n"
        "\\item Three\n\\end{enumerate}\n\\item Next\n\\begin{enumerate}\n\\item Other\n"
        "\\end{enumerate}\n\\end{enumerate}"
    )
    assert latex_answers(text) == {"a": "One", "b": "Two", "c": "Three"}


def test_text_without_parts_gives_no_answers() -> None:
    assert markdown_answers(["Just words.\n\n# And a heading"]) == {}
    assert latex_answers("Just words.") == {}


def test_the_first_answer_that_is_not_blank_wins() -> None:
    assert merged([{"b": "", "a": "1"}, {"a": "2", "b": "3"}]) == {"a": "1", "b": "3"}


@pytest.mark.parametrize(
    "text",
    [
        "(a)" + " " * 500_000 + "x",
        "1" + " " * 500_000 + "x",
        "(a)\n" + "*" * 500_000 + "x",
        "(a)\n" + "answer" * 80_000,
        "<!--" * 100_000,
        "\\begin{enumerate}[" * 30_000,
        "\\section{" * 50_000,
        "\\item[" * 80_000,
        "(a)\n" * 100_000,
        "\n" + "\t" * 500_000 + "x",
    ],
)
def test_a_text_made_to_be_slow_is_read_in_time(text: str) -> None:
    start = time.process_time()   # other processes may be busy
    markdown_answers([text])
    latex_answers(text)
    assert time.process_time() - start < 5
