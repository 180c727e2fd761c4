"""What a page may load, run and send (Content-Security-Policy). Everything that is not named here is refused.

No 'unsafe-inline' anywhere: scripts and styles are files of ours, or library templates' own blocks, which bear the
answer's nonce (see project.nonces). Style attributes are refused; scripts may set single properties.
"""

from __future__ import annotations

from typing import Any

from csp.constants import NONCE, NONE, SELF, UNSAFE_EVAL

Directives = dict[str, list[Any]]

SHUT: Directives = {"default-src": [NONE], "base-uri": [NONE], "form-action": [NONE], "frame-ancestors": [NONE]}
"""For whatever is no page: JSON, figures, downloads, images."""

PAGE: Directives = {
    **SHUT,
    "script-src": [SELF, NONCE],
    "style-src": [SELF, NONCE],
    "img-src": [SELF, "data:"],
    "font-src": [SELF],
    "connect-src": [SELF],
    "form-action": [SELF],
    "object-src": [NONE],
}
"""For pages: errors, the API's description."""

ADMIN_ADDS: Directives = {"script-src": [UNSAFE_EVAL]}
"""Unfold's pages are made with Alpine.js, which compiles the expressions in their attributes. Alpine's build that does
without understands too few of them."""

CONTENT_SECURITY_POLICY = {"DIRECTIVES": PAGE}
