"""Making documents' files: thin over billing.services.run_files."""

from __future__ import annotations

from billing.jobspecs.paper import make_files
from billing.jobspecs.runs import OfRun
from billing.services.run_files import make_run_files
from queues.contract import Done, JobContext
from queues.errors import PermanentError


class FilesNotMade(PermanentError):
    """Some documents' files could not be made; all others were."""

    code = "files_not_made"


@make_files.handler
def _(ctx: JobContext, params: OfRun) -> Done:
    def told(done: int, total: int) -> None:
        ctx.progress(done, total, f"{done:,} of {total:,} documents")

    tally = make_run_files(params.run, on_progress=told, checkpoint=ctx.checkpoint)
    for number, why in tally.without.items():
        ctx.log(f"{number} has no EN 16931 XML: {why}", "warning")
    for which, why in tally.faults.items():
        ctx.log(f"{which}: {why}", "error")
    if tally.faults:
        raise FilesNotMade(f"{len(tally.faults):,} files could not be made: {', '.join(list(tally.faults)[:5])} …")
    return Done({"run": params.run, "made": tally.made, "kept": tally.kept, "without_xml": len(tally.without)})
