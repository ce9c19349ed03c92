"""The gate on the page's JavaScript can fail."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.house import page
from tests.house.page import CONFIG, PAGE, ROOT

WRONG = {
    "state.js": "export const wrong = state.rows.get(1);\n",
    "marks.js": "export const loose = (/** @type {string} */ a) => a == status;\n",
    "words.js": "/** @param {any} code */\nexport const silent = (code) => code.nothing;\n",
    "beside.js": "export function untyped(value) {\n  return value;\n}\n",
}
TOLD = (
    ("'number' is not assignable to parameter of type 'string'", "state.js:"),
    ("expected '===' and instead saw '=='", "marks.js:"),
    ("{any} says nothing", "words.js:"),
    ("'value' implicitly has an 'any' type", "beside.js:"),
)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A root with the page and nothing else."""
    (tmp_path / PAGE).parent.mkdir(parents=True)
    shutil.copytree(ROOT / PAGE, tmp_path / PAGE)
    for name in (PAGE.with_suffix(".d.ts"), CONFIG):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_wrong_types_bad_habits_excuses_and_what_has_no_types_are_told(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in WRONG.items():
        with (copied / PAGE / name).open("a", encoding="utf-8") as file:
            file.write(text)

    assert page.main(["--root", str(copied)]) == 1

    told = capsys.readouterr().err
    assert [what for what, where in TOLD if what not in told or where not in told] == []


def test_a_page_without_faults_passes(copied: Path) -> None:
    assert page.main(["--root", str(copied)]) == 0


def test_it_says_what_to_do_where_deno_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(page, "_DENO", tmp_path / "deno")

    assert page.main([]) == 1
    assert "`make setup` fetches it" in capsys.readouterr().err
