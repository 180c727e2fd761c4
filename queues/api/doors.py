"""The doors around the queues' endpoints: tokens, the schema and its pages, health for strangers, and the wall."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpResponseBase
from django.urls import reverse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView, TokenViewBase

from queues.api import answers, examples, reads
from queues.api.bearer import Bearer
from queues.api.endpoint import Endpoint
from queues.api.keys import Keys
from queues.api.openapi import problems
from queues.api.parsers import SmallJSONParser
from queues.api.permissions import ByPolicy, Open
from queues.api.rate_limits import Limited
from queues.api.serializers import RefreshRequest, RevokeRequest, TokenPair, TokenRequest
from queues.api.sign_in import SignIn

_TOKENS: dict[Any, Any] = {200: TokenPair, **problems(400, 401, 413, 415, 422)}


class Token(Limited, TokenObtainPairView):  # type: ignore[misc]
    needs = {"POST": Open.PUBLIC}
    login = True
    permission_classes = (ByPolicy,)  # type: ignore[assignment]
    parser_classes = (SmallJSONParser,)
    serializer_class = SignIn
    metadata_class = None

    @extend_schema(
        operation_id="sign_in",
        summary="A pair of tokens for a name and a password",
        description="Send `access` with every request: `Authorization: Bearer <access>`. It lasts ten minutes. After five "
        "failures of a name from one address, 429 too_many_logins for fifteen minutes, whether there is such an account "
        "or not.",
        tags=["Tokens"],
        request=TokenRequest,
        responses=_TOKENS,
        examples=[examples.SIGN_IN],
        auth=[],
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        TokenRequest(data=request.data).is_valid(raise_exception=True)
        return _uncached(super().post(request, *args, **kwargs))


class Refresh(Limited, TokenRefreshView):  # type: ignore[misc]
    needs = {"POST": Open.PUBLIC}
    login = True
    permission_classes = (ByPolicy,)  # type: ignore[assignment]
    parser_classes = (SmallJSONParser,)
    serializer_class = RefreshRequest
    metadata_class = None

    @extend_schema(
        operation_id="refresh_tokens",
        summary="The next pair of tokens",
        description="A refresh token works once and lasts a day. If it comes a second time, all tokens of its sign-in are "
        "refused from then on. Changing the password ends all of an account's tokens.",
        tags=["Tokens"],
        responses=_TOKENS,
        examples=[examples.REFRESH],
        auth=[],
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return _uncached(super().post(request, *args, **kwargs))


class Revoke(Limited, TokenViewBase):  # type: ignore[misc]
    needs = {"POST": Open.PUBLIC}
    login = True
    permission_classes = (ByPolicy,)  # type: ignore[assignment]
    parser_classes = (SmallJSONParser,)
    serializer_class = RevokeRequest
    metadata_class = None

    @extend_schema(
        operation_id="sign_out",
        summary="The end of a sign-in",
        description="All tokens that descend from the same sign-in are refused from the next request on, access tokens too. "
        "Any refresh token of it will do, used or not; what has ended before stays so.",
        tags=["Tokens"],
        responses={204: OpenApiResponse(description="Signed out"), **problems(400, 401, 413, 415, 422)},
        examples=[examples.REFRESH],
        auth=[],
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        super().post(request, *args, **kwargs)
        return _uncached(Response(status=204))


class Schema(Limited, SpectacularAPIView):  # type: ignore[misc]
    """For clients by their token, and for the page below by the session."""

    needs = {"GET": Open.SIGNED_IN}
    permission_classes = [ByPolicy]
    authentication_classes = [Keys, Bearer, SessionAuthentication]
    metadata_class = None


class Docs(Limited, SpectacularSwaggerView):  # type: ignore[misc]
    """Swagger UI; a browser that is not signed in is led to the login and back."""

    needs = {"GET": Open.SIGNED_IN}
    permission_classes = [ByPolicy]
    authentication_classes = [Keys, Bearer, SessionAuthentication]
    url_name = "api-schema"
    metadata_class = None

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        del page.headers["Cross-Origin-Opener-Policy"]  # which it loosens for sign-ins in a window of their own
        return page

    def handle_exception(self, exc: Exception) -> HttpResponseBase:  # type: ignore[override]
        if self.request.method == "GET" and isinstance(exc, NotAuthenticated):
            return redirect_to_login(self.request.get_full_path(), reverse("admin:login"))
        answer: HttpResponseBase = super().handle_exception(exc)
        return answer


class Healthz(Endpoint):
    """For probes: no token, no detail."""

    needs = {"GET": Open.PUBLIC}
    limited = False
    authentication_classes = []

    @extend_schema(
        operation_id="probe",
        summary="Up or down",
        tags=["Probe"],
        responses={200: answers.UpAnswer, 503: OpenApiResponse(answers.UpAnswer, description="Down")},
        auth=[],
    )
    def get(self, request: Request) -> Response:
        try:
            up = reads.database_up()
        except (DatabaseError, InterfaceError):
            up = False
        return _uncached(Response({"status": "up" if up else "down"}, status=200 if up else 503))


class Nothing(Endpoint):
    """Whatever else is asked for under /api/."""

    needs = dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), Open.PUBLIC)
    authentication_classes = []
    schema = None

    def get(self, request: Request, path: str = "") -> Response:
        raise Http404("There is nothing under this path. The API is described at /api/docs/.")

    post = put = patch = delete = get


def _uncached(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
