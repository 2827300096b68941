"""Every worked example of docs/ is computed again, and no section with a formula is without one."""

import re
from pathlib import Path

import pytest

from qoe.models import registry
from tests.examples import DOCS, Example, check, examples, sections, without_blocks

PAGES = sorted(DOCS.rglob("*.md"))
EXAMPLES = [example for page in PAGES for example in examples(page)]

# Formulas that make a world or a decision, and no figure that a customer's experience is shown with.
NO_SCORES = {"demo.md"}

# A name, an equals sign, and something that is computed.
_COMPUTED = re.compile(r"[\w)}\]] += .*(?: [-+*/^] |\w\(|\w\^|sqrt|exp|ln )| \+- ")


def formulas(text: str) -> list[str]:
    """Formulas of a section: indented lines, and code in a line, that say how something is computed."""
    plain = without_blocks(text)
    shown = [line.strip() for line in plain.splitlines() if line.startswith("    ")]
    inline = re.findall(r"`([^`]+)`", plain)
    return [one for one in (*shown, *inline) if _COMPUTED.search(one)]


WITH_FORMULAS = [
    (page.relative_to(DOCS).as_posix(), heading)
    for page in PAGES
    if page.name not in NO_SCORES
    for heading, text in sections(page)
    if formulas(text)
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.page}-{example.number}")
def test_it_comes_out_as_printed(example: Example) -> None:
    check(example)


@pytest.mark.parametrize(("page", "heading"), WITH_FORMULAS)
def test_a_section_with_a_formula_has_a_worked_example(page: str, heading: str) -> None:
    assert any(example.section == heading for example in examples(DOCS / page)), "add a block as in CONTRIBUTING.md"


def test_every_model_has_one() -> None:
    assert set(registry()) <= {example.fields.get("model") for example in EXAMPLES}


def test_formulas_are_seen_in_their_usual_forms(tmp_path: Path) -> None:
    assert formulas("so\n\n    D = exp((s1 + m) / W)\n")
    assert formulas("with `R = 129 - Ie` and so on")
    assert not formulas("set `level = 5` in\n\n```toml\nx = 1 + 2\n```\n")


def _example(text: str) -> Example:
    return Example(page="x.md", section="", number=1, text=text)


def test_a_wrong_figure_is_found() -> None:
    call = 'call = "qoe.models.e_model.mos_of_rating"\ngiven.rating = [90.0, 80.0]\n'
    check(_example(call + "gives = [4.339, 4.02]"))
    with pytest.raises(AssertionError, match=r"gives\[1\]: 4.03 is printed"):
        check(_example(call + "gives = [4.339, 4.03]"))
    with pytest.raises(AssertionError, match="2 values come out"):
        check(_example(call + "gives = [4.339]"))


def test_a_record_is_made_and_compared_by_its_fields() -> None:
    check(
        _example(
            'call = "alerts.hours.Quiet"\n[given]\nbelow = "critical"\n'
            '[given.span]\ncall = "alerts.hours.Span"\ngiven = {begin = 22:00:00, end = 07:00:00, days = [5, 6]}\n'
            '[gives]\nbelow = "critical"\n[gives.span]\ndays = [5, 6]\n'
        )
    )


def test_only_what_is_ours_is_called() -> None:
    with pytest.raises(AssertionError, match="not of ours"):
        check(_example('call = "os.getcwd"\ngives = 1'))
