"""Libraries' templates as our content security policy wants them.

They have scripts and styles inline, which the policy refuses unless they bear the answer's nonce. It is put in when a
template is read from its file, before anything is filled in, so what comes in later never gets one.
"""

from __future__ import annotations

import re

from django.template import Origin
from django.template.loaders.app_directories import Loader

_INLINE = re.compile(r"<(script|style)(?=[\s>])(?![^>]*\ssrc=)(?![^>]*\snonce=)")
_WITH_NONCE = r'<\1 nonce="{{ request.csp_nonce }}"'

# What no nonce mends. Style attributes and handlers bear none: these are all that the pages in use have; a test looks for others. And
# RQ's pages call what Django's script has not had for years: it looks for the boxes by itself.
MENDED = {
    """x-bind:style="'width: ' + changeListWidth + 'px'\"""": """x-bind:style="{ width: changeListWidth + 'px' }\"""",
    'class="submit-row" style="margin-top: 20px;"': 'class="submit-row rm-below"',
    ' id="action-toggle" style="display: inline-block;"': ' id="action-toggle"',
    """ onclick="window.location='{% rq_url 'result_detail' queue_index job.id result.id %}'\"""": "",  # its link remains
    ' onclick="event.stopPropagation();"': "",
    '$("tr input.action-select").actions();': "",
}


class LibraryLoader(Loader):
    """Templates in the folders of installed apps. Ours are in `templates/`, and have nothing inline."""

    def get_contents(self, origin: Origin) -> str:
        return tamed(super().get_contents(origin))


def tamed(source: str) -> str:
    """A template's source with a nonce on each inline script and style. Again changes nothing."""
    for found, instead in MENDED.items():
        source = source.replace(found, instead)
    return _INLINE.sub(_WITH_NONCE, source)
