"""A document as a file: PDF, or the XML of EN 16931."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect

from billing.admin import pieces
from billing.models import Document, DocumentFile
from billing.services.files import file_of
from queues.errors import RoundsmanError


def download(request: HttpRequest, document: Document, kind: str) -> HttpResponse:
    """The same bytes ever after of a final document; a draft as it would be, with a mark that says so. What cannot be made is told
    on the document's page. Raises Http404."""
    if kind not in DocumentFile.Kind.values:
        raise Http404("There is no such file.")
    try:
        made = file_of(document, kind)
    except RoundsmanError as refused:
        messages.error(request, str(refused))
        return HttpResponseRedirect(pieces.page_at("document", document.pk))
    answer = HttpResponse(made.content, content_type=made.media_type)
    answer["Content-Disposition"] = f'attachment; filename="{made.name}"'
    return answer
