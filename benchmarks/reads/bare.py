"""What creation is compared with: the barest view of Django REST framework that stores what it is sent, and its server.

Nobody is asked who they are, nothing is counted or told to anybody: one serializer, one row. Served as ours is, by
`uvicorn benchmarks.reads.bare:application`, with the same pool of connections.
"""

from __future__ import annotations

import os
from typing import Any

import django
from django.conf import settings

if not settings.configured and "DATABASE_URL" in os.environ:
    from project import env as environment

    settings.configure(
        SECRET_KEY="for-benchmarks-only",
        ALLOWED_HOSTS=["127.0.0.1"],
        DATABASES={"default": environment.database(os.environ["DATABASE_URL"], environment.Environment())},
        INSTALLED_APPS=["rest_framework"],
        ROOT_URLCONF=__name__,
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],  # for the Content-Length
        USE_TZ=True,
        REST_FRAMEWORK={
            "DEFAULT_AUTHENTICATION_CLASSES": [],
            "DEFAULT_PERMISSION_CLASSES": [],
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
            "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
            "UNAUTHENTICATED_USER": None,
        },
    )
    django.setup(set_prefix=False)

from django.db import models
from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from benchmarks.reads.stage import BARE_PATH, BARE_TABLE
from project.one_hop import OneHopHandler


class Row(models.Model):
    job = models.CharField(max_length=100)
    params = models.JSONField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label, db_table, managed = "bare", BARE_TABLE, False

    def __str__(self) -> str:
        return self.job


class RowSerializer(serializers.ModelSerializer[Row]):
    class Meta:
        model = Row
        fields = ("id", "job", "params", "at")


class Bare(APIView):
    def post(self, request: Request) -> Response:
        row = RowSerializer(data=request.data)
        row.is_valid(raise_exception=True)
        row.save()
        return Response(row.data, status=202)


urlpatterns = [path(BARE_PATH[1:], Bare.as_view())]
application: Any = OneHopHandler()
