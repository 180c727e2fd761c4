"""Libraries' templates, as the content security policy wants them."""

from __future__ import annotations

import re
from pathlib import Path

import django_rq
import drf_spectacular
import pytest
import unfold
from django.contrib import admin
from django.http import HttpRequest
from django.template import engines
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from project.csp import PolicyMiddleware
from project.nonces import MENDED, tamed

OURS = Path(__file__).resolve().parents[2] / "templates"
FOLDERS = [Path(str(package.__file__)).parent / "templates" for package in (unfold, admin, django_rq, drf_spectacular)]
STYLED = re.compile(r"""\sstyle=["']|:style=["'](?!\{)|\son[a-z]+=["']""")
# Not ours to show: pictures in lists and at the login, bars, files. Who begins to needs a class in their place.
UNUSED = {
    "unfold/templates/unfold/helpers/display_header.html", "unfold/templates/unfold/components/progress.html",
    "unfold/templates/unfold/layouts/unauthenticated.html",
    "unfold/templates/unfold/widgets/clearable_file_input_small.html",
}  # fmt: skip


def sources() -> dict[str, str]:
    """Name → source, of every library's template behind one of our pages."""
    return {
        str(path.relative_to(folder.parent.parent)): path.read_text()
        for folder in FOLDERS
        for path in folder.rglob("*.html")
    }


@pytest.mark.parametrize("found", MENDED)
def test_what_is_mended_is_still_in_the_libraries(found: str) -> None:
    assert any(found in source for source in sources().values()), "It is gone: take it out of MENDED."


def test_no_template_in_use_has_a_style_or_a_handler_in_an_attribute() -> None:
    assert {name for name, source in sources().items() if STYLED.search(tamed(source))} == UNUSED


def test_ours_have_nothing_inline() -> None:
    inline = re.compile(r"<style|<script(?![^>]*\ssrc=)|" + STYLED.pattern)
    assert [path.name for path in OURS.rglob("*.html") if inline.search(path.read_text())] == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<script>x</script>", '<script nonce="{{ request.csp_nonce }}">x</script>'),
        ('<style id="a">', '<style nonce="{{ request.csp_nonce }}" id="a">'),
        ('<script type="text/javascript">', '<script nonce="{{ request.csp_nonce }}" type="text/javascript">'),
        ('<script src="a.js"></script>', '<script src="a.js"></script>'),
        ('<script id="a"\n src="a.js">', '<script id="a"\n src="a.js">'),
        ('<script nonce="x">', '<script nonce="x">'),
        ("<scripted>", "<scripted>"),
    ],
)
def test_inline_blocks_get_a_nonce_and_files_none(source: str, expected: str) -> None:
    assert tamed(source) == expected


@given(st.text("<script yle>nonce=\"'src/{", max_size=60))
def test_taming_again_changes_nothing(source: str) -> None:
    assert tamed(tamed(source)) == tamed(source)


def test_each_answer_has_a_nonce_of_its_own_and_data_gets_none() -> None:
    template = engines["django"].from_string(tamed("<style>a{}</style>") + "{{ given }}")

    def page(request: HttpRequest) -> str:
        PolicyMiddleware(lambda _: None).process_request(request)  # type: ignore[arg-type, return-value]
        return template.render({"given": "<script>"}, request)

    pages = [page(RequestFactory().get("/")) for _ in range(2)]
    nonces = [re.findall(r'nonce="([A-Za-z0-9+/=]{24})"', each) for each in pages]
    assert len(nonces[0]) == len(nonces[1]) == 1 and nonces[0] != nonces[1]
    assert all(each.endswith("&lt;script&gt;") for each in pages)
