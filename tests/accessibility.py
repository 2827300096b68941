"""axe-core on a page: what it finds serious or critical, without what only Streamlit could mend."""

from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
# Rule, place, reason. A violation is known where it lies inside such a place, and for no other.
KNOWN = (
    ("list", '[data-testid="stSidebarNavItems"]', "Streamlit's navigation with sections puts headings between items"),
    ("listitem", '[data-testid="stSidebarNavItems"]', "and its items, not in a list, inside one of those sections"),
)
_RUN = """async (known) => {
    const found = await axe.run(document, {
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'],
        resultTypes: ['violations'],
    });
    const isKnown = (rule, node) => known.some(([name, place]) =>
        name === rule && document.querySelector(node.target[0])?.closest(place));
    return found.violations.filter((each) => ['serious', 'critical'].includes(each.impact)).flatMap((each) =>
        each.nodes.filter((node) => !isKnown(each.id, node)).map((node) => ({
            rule: each.id, html: node.html.slice(0, 300), why: node.failureSummary,
        })));
}"""


def violations(page: Page) -> list[dict[str, Any]]:
    """Serious and critical violations of WCAG 2.1 A and AA on the page, each with rule, place and reason."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE)
    found: list[dict[str, Any]] = page.evaluate(_RUN, [[rule, place] for rule, place, _ in KNOWN])
    return found
