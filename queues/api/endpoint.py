"""What every view of the API is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from queues.api.bearer import Bearer
from queues.api.keys import Keys
from queues.api.parsers import LengthRequired, SmallJSONParser
from queues.api.permissions import ByPolicy, Need
from queues.api.rate_limits import Limited


class Endpoint(Limited):
    """A view of the API. `needs` maps each method to what it takes; `hidden`: who may not read gets 404, not 403."""

    needs: ClassVar[Mapping[str, Need]] = {}
    hidden: ClassVar[bool] = False
    authentication_classes = [Keys, Bearer]
    permission_classes = [ByPolicy]
    parser_classes = [SmallJSONParser]
    renderer_classes = [JSONRenderer]
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]  # the schema tells what OPTIONS would

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if "Transfer-Encoding" in request.headers and "Content-Length" not in request.headers:
            raise LengthRequired
