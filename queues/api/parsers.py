"""JSON bodies: at most 64 KB, ten levels deep, UTF-8, and no text that a database cannot store."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser

MAX_BODY_BYTES = 64 * 1024
MAX_BATCH_BYTES = 1024 * 1024
MAX_DEPTH = 10
_BAD_TEXT = re.compile("[\x00\ud800-\udfff]")


class BodyTooLarge(APIException):
    """A body over the limit."""

    status_code = 413
    default_code = "too_large"
    default_detail = f"The body is over {MAX_BODY_BYTES:,} bytes; send less, or send a reference to it."

    def __init__(self, most: int = MAX_BODY_BYTES) -> None:
        super().__init__(f"The body is over {most:,} bytes; send less, or send a reference to it.")


class LengthRequired(APIException):
    """A body sent in chunks has no length, and would be taken for none."""

    status_code = 411
    default_code = "length_required"
    default_detail = "Send the body with a Content-Length header, not in chunks."


class TooDeep(APIException):
    """Nested deeper than anybody needs."""

    status_code = 422
    default_code = "too_deep"
    default_detail = f"The JSON is nested over {MAX_DEPTH} levels deep."

    def __init__(self, most: int = MAX_DEPTH) -> None:
        super().__init__(f"The JSON is nested over {most} levels deep.")


class BadText(APIException):
    """NUL and half surrogate pairs are JSON but no text: PostgreSQL refuses to store them."""

    status_code = 422
    default_code = "bad_text"
    default_detail = "A text in the JSON holds a NUL character or half of a surrogate pair."


class SmallJSONParser(JSONParser):
    """Reads no more than the limit. 400 for what is no JSON, 413 and 422 as above."""

    max_bytes, max_depth = MAX_BODY_BYTES, MAX_DEPTH

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        raw: bytes = stream.read(self.max_bytes + 1)
        if len(raw) > self.max_bytes:
            raise BodyTooLarge(self.max_bytes)
        try:
            value = json.loads(raw.decode("utf-8"), parse_constant=_refuse)
        except RecursionError:
            raise TooDeep(self.max_depth) from None
        except UnicodeDecodeError:
            raise ParseError("The body is not UTF-8.") from None
        except ValueError as error:
            raise ParseError(f"The body is not valid JSON: {error}") from None
        _look(value, 1, self.max_depth)
        return value


class BatchJSONParser(SmallJSONParser):
    """For many requests in one body: each may be as deep as a body of its own."""

    max_bytes, max_depth = MAX_BATCH_BYTES, MAX_DEPTH + 2


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON number")


def _look(value: Any, depth: int, most: int) -> None:
    """Depth counts arrays and objects, the outermost being 1."""
    if isinstance(value, str):
        if _BAD_TEXT.search(value):
            raise BadText
    elif isinstance(value, (dict, list)):
        if depth > most:
            raise TooDeep(most)
        for key in value if isinstance(value, dict) else ():
            _look(key, depth + 1, most)
        for inner in value.values() if isinstance(value, dict) else value:
            _look(inner, depth + 1, most)
