"""Effects: the business facts that happened once, by key. Read only."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from queues.admin import access, show
from queues.admin.base import ReadOnlyAdmin
from queues.admin.paginator import CappedPaginator
from queues.models import EffectRecord


@admin.register(EffectRecord)
class EffectAdmin(ReadOnlyAdmin):
    """Written in the transaction of the run that brought them."""

    list_display = ("key", "job_title", "run", "created")
    list_per_page = 50
    paginator = CappedPaginator
    show_full_result_count = False
    search_fields = ("key", "job")
    search_help_text = "Key, job"
    sortable_by = ()
    ordering = ("-created_at",)
    fields = ("key", "job_title", "run", "created", "came_to")
    readonly_fields = fields
    empty_hint = "A handler records here what must happen once: an invoice issued, a message sent."

    def get_queryset(self, request: HttpRequest) -> QuerySet[EffectRecord]:
        return super().get_queryset(request).filter(job__in=access.readable_jobs(request.user))

    @display(description="Job")
    def job_title(self, obj: EffectRecord) -> str:
        return show.job_title(obj.job)

    @display(description="Run")
    def run(self, obj: EffectRecord) -> SafeString:
        return show.link(show.run_url(obj.run_id), str(obj.run_id)[-12:])

    @display(description="Created")
    def created(self, obj: EffectRecord) -> SafeString:
        return show.when(obj.created_at)

    @display(description="Result")
    def came_to(self, obj: EffectRecord) -> SafeString:
        return format_html('<pre class="rm-pre">{}</pre>', show.pretty(obj.result))
