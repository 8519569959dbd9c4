"""One reader for all CSV files that people bring, in every form that their programs save."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.rubric.class_lists import read_groups
from grader.rubric.csv_table import read_table
from grader.submissions.canvas import read_gradebook
from grader.submissions.roster import NAME, read_roster

# What is read below, saved by a spreadsheet with commas, in UTF-8. Names have commas in them.
ROSTER = (
    "student,name,email,section\r\n"
    'orrin,"Vale, Orrin",orrin@school.example,1\r\n'
    'joe,"Ñandal, Joé",joe@school.example,"1,5"\r\n'
    "mia,Mia O\u2019Brien,,\r\n"
)
GRADEBOOK = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Homework 1 (77)\r\n"
    "    Points Possible,,,,,5\r\n"
    '"Vale, Orrin",11,s11,orvale,MAIN-1,"4,5"\r\n'
    '"Ñandal, Joé",16,s16,jnandal,MAIN-1,\r\n'
    '"Student, Test",17,,,MAIN-1,\r\n'
)
GROUPS = 'group,student\r\na,"Vale, Orrin"\r\na,"Ñandal, Joé"\r\n'


def separated(text: str, separator: str) -> str:
    """The same table with another separator; no cell of the tables above holds one."""
    inside, out = False, ""
    for character in text:
        inside ^= character == '"'
        out += separator if character == "," and not inside else character
    return out.replace('"', "")   # a spreadsheet quotes what needs it, and nothing else


FORMS: dict[str, Callable[[str], bytes]] = {
    "as Canvas writes it": lambda text: text.encode("utf-8-sig"),
    "plain UTF-8": lambda text: text.encode(),
    "lines of macOS 9": lambda text: text.replace("\r\n", "\r").encode(),
    "lines of Linux": lambda text: text.replace("\r\n", "\n").encode(),
    "Excel in Germany": lambda text: separated(text, ";").encode("utf-8-sig"),
    "an old Excel in Germany": lambda text: separated(text, ";").encode("cp1252"),
    "an old Excel": lambda text: text.encode("cp1252"),
    "Excel on macOS": lambda text: separated(text, ";").encode("mac_roman"),
    "tabs": lambda text: separated(text, "\t").encode(),
    "Unicode text of Excel": lambda text: separated(text, "\t").encode("utf-16"),
    "UTF-16, the other way round": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "UTF-16 without a mark": lambda text: text.encode("utf-16-le"),
    "bars": lambda text: separated(text, "|").encode(),
    "a line on the comma": lambda text: ("sep=,\r\n" + text).encode("utf-8-sig"),
    "a line on the semicolon": lambda text: ("sep=;\n" + separated(text, ";")).encode(),
    "a line on a rare separator": lambda text: ("SEP=^\r\n" + separated(text, "^")).encode(),
    "a line that a second program saved": lambda text: (
        '"sep=,";;;\r\n' + separated(text, ";")
    ).encode(),
    "decomposed letters": lambda text: unicodedata.normalize("NFD", text).encode(),
    "empty columns and lines": lambda text: (
        "\r\n" + text.replace("\r\n", ",,\r\n") + ",,,\r\n"
    ).encode(),
    "other capitals": lambda text: (
        text.partition("\r\n")[0].upper() + "\r\n" + text.partition("\r\n")[2]
    ).encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_roster_is_read_in_every_form(form: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(FORMS[form](ROSTER))
    roster = read_roster(tmp_path)
    assert roster is not None
    assert [(one.student, one.name, one.section) for one in roster.people] == [
        ("orrin", "Vale, Orrin", "1"),
        ("joe", "Ñandal, Joé", "1,5"),
        ("mia", "Mia O\u2019Brien", ""),
    ]


@pytest.mark.parametrize("form", FORMS)
def test_a_gradebook_is_read_in_every_form(form: str, tmp_path: Path) -> None:
    path = tmp_path / "gradebook.csv"
    path.write_bytes(FORMS[form](GRADEBOOK))
    rows = read_gradebook(path)
    assert [list(row.values())[:5] for row in rows] == [
        ["Vale, Orrin", "11", "s11", "orvale", "MAIN-1"],
        ["Ñandal, Joé", "16", "s16", "jnandal", "MAIN-1"],
    ]
    assert set(rows[0]) >= {"Student", "ID", "SIS User ID", "SIS Login ID", "Section"}


@pytest.mark.parametrize("form", FORMS)
def test_a_list_of_groups_is_read_in_every_form(form: str, tmp_path: Path) -> None:
    path = tmp_path / "groups.csv"
    path.write_bytes(FORMS[form](GROUPS))
    assert read_groups(path) == {"a": ("Vale, Orrin", "Ñandal, Joé")}


@pytest.mark.parametrize(
    "name",
    ["Jürgen Müller", "Ärger Öz", "Élodie", "François", "Weiß", "Peña Núñez", "Çelik", "Åse Bø"],
)
def test_one_name_is_enough_to_tell_the_encodings_of_windows_and_macos(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    for encoding in ("cp1252", "mac_roman"):
        path.write_bytes(f"student\r\n{name}\r\n".encode(encoding))
        assert read_table(path, ("student",)) == [(2, {"student": name})], encoding


def test_a_single_column_needs_no_separator(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("student\nada; lovelace\ngrace\thopper\n")
    assert [row["student"] for _, row in read_table(path, ("student",))] == [
        "ada; lovelace", "grace\thopper",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "list.csv:1: no column 'student'; expected student, found nothing"),
        (b"name;mark\nada;1\n", "no column 'student'; expected student, found name, mark"),
        (b"student,Student\n", "list.csv:1: 2 columns 'student'; keep one"),
        (b"sep=;\nstudent;due\nada;1;2\n", "list.csv:3: more fields than the first line has"),
        (b'student\n"ada\ngrace\n', "list.csv:2: not a valid CSV file"),
        (b"PK\x03\x04\x14\0\x06\0\x08\x01\x02\x03", "not a CSV file; save it as 'CSV UTF-8'"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(
    content: bytes, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_table(path, ("student",))
    assert said in str(caught.value)
