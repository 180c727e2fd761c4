"""A client that a public generator makes of /api/schema/ is whole, has sound types, and does the main job."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from .stand import Stand

NAME = "generated_client"
BIN = Path(sys.executable).parent
AREA, BUDGET_S = "kim-335", 2


@pytest.fixture(scope="session")
def folder(stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the generated package lies; it can be imported from there."""
    made = tmp_path_factory.mktemp("generated")
    answer = httpx.get(
        f"{stand.address}/api/schema/",
        headers={"X-API-Key": stand.key, "Accept": "application/vnd.oai.openapi+json"},
        trust_env=False,
    )
    assert answer.status_code == 200
    (made / "schema.json").write_bytes(answer.content)
    command = [str(BIN / "openapi-python-client"), "generate", "--path", "schema.json", "--output-path", NAME]
    path = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}  # it formats what it made with what stands beside it
    command += ["--meta", "none", "--fail-on-warning"]
    done = subprocess.run(command, cwd=made, env=path, capture_output=True, text=True)
    told = done.stdout + done.stderr
    left_out = [line for line in told.splitlines() if "WARNING" in line or "Unable" in line or "will not be" in line]
    assert done.returncode == 0 and not left_out, told
    sys.path.insert(0, str(made))
    yield made
    sys.path.remove(str(made))


def test_nothing_of_the_schema_is_left_out_and_all_of_it_is_imported(folder: Path) -> None:
    paths = json.loads((folder / "schema.json").read_text())["paths"]
    wanted = sum(verb in ("get", "post", "put", "patch", "delete") for each in paths.values() for verb in each)
    modules = [each for each in (folder / NAME / "api").rglob("*.py") if each.name != "__init__.py"]
    assert len(modules) == wanted
    for path in (folder / NAME).rglob("*.py"):
        importlib.import_module(".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__"))


def test_its_types_are_sound(folder: Path) -> None:
    ours = [f"{NAME}/api", f"{NAME}/models"]  # (what it ships itself, beside them, passes an older mypy)
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--no-incremental",
        "--config-file",
        "/dev/null",
        "--follow-imports=silent",
    ]
    command += ours
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]


def test_it_signs_in_has_the_routes_planned_and_reads_the_plan(folder: Path, stand: Stand) -> None:
    client_of = importlib.import_module(f"{NAME}.client")
    models = importlib.import_module(f"{NAME}.models")
    quiet: dict[str, Any] = {"httpx_args": {"trust_env": False}}
    with client_of.Client(base_url=stand.address, **quiet) as stranger:
        asked = models.TokenRequest(username="dispatcher", password=stand.password)
        pair = _sync("tokens.sign_in")(client=stranger, body=asked)
    with client_of.AuthenticatedClient(base_url=stand.address, token=pair.access, **quiet) as client:
        run = _planned(client, models, stand)
    assert run.state == models.RunState.SUCCEEDED, run.error
    result = run.result.to_dict()
    assert result["served"] == result["stops"] > 300
    assert 0 < result["distance_km"] <= result["baseline_km"]  # how much shorter is told by the routing's own tests


def _planned(client: Any, models: Any, stand: Stand) -> Any:
    """The run of the main job, ended."""
    params = models.RoutingPlanRoutesParams(area=AREA, budget_s=BUDGET_S, seed=1)
    run = _sync("queues.enqueue_job")(
        client=client,
        body=models.PlanRoutes(job=models.PlanRoutesJob.ROUTING_PLAN_ROUTES, params=params),
        idempotency_key="plan-1",
    )
    assert isinstance(run, models.RunAnswer), run
    end = time.monotonic() + 120
    while run.finished_at is None:
        assert time.monotonic() < end, stand.told("worker")[-3000:]
        time.sleep(0.2)
        run = _sync("runs.read_run_by_id")(client=client, run_id=run.id)
    return run


def _sync(operation: str) -> Any:
    return importlib.import_module(f"{NAME}.api.{operation}").sync
