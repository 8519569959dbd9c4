"""Settings for Sphinx, which builds these pages as a site: `make docs`."""

from __future__ import annotations

from sphinx.application import Sphinx

from grader import __version__

project = "grader"
author = "the authors of grader"
project_copyright = "2026, the authors of grader"
release = version = __version__

extensions = ["myst_parser", "sphinx_copybutton"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
nitpicky = True   # with `-W` a link that leads nowhere ends the build
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "grader"
copybutton_prompt_text = "$ "

# Pages at the top of the repository that the site includes. Links to them work on GitHub, too.
_ABOVE = {
    "../SECURITY.md": "security.md",
    "../CHANGELOG.md": "changelog.md",
    "../CONTRIBUTING.md": "contributing.md",
}


def setup(app: Sphinx) -> None:
    app.connect("source-read", _link_to_pages)


def _link_to_pages(app: Sphinx, name: str, source: list[str]) -> None:
    for path, page in _ABOVE.items():
        source[0] = source[0].replace(f"]({path}", f"]({page}")
