"""Claims about `manage.py quote` and what nobody should send: an error that names its field, exit 2, and never a traceback or a guess."""

from __future__ import annotations

import copy
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from billing import quote_command
from tests.billing.test_quote import CHANGE, FUEL, PRORATION, document, line

ROOT = Path(__file__).resolve().parents[2]
S20 = {"category": "S", "rate": "20"}
DOCUMENT = document(
    line(base_quantity="2", adjustments=[{"kind": "charge", "amount": "1"}]),
    tax_mode="exclusive", rounding="line", adjustments=[{"kind": "allowance", "amount": "1", "tax": S20}],
    coupon={"amount": "1", "spread": "pro_rata"}, prepaid="1",
)  # fmt: skip
GOOD = [
    DOCUMENT,
    {**PRORATION, "tax": S20, "until": "2026-03-31"},
    CHANGE,
    {**FUEL, "floor_percent": "1", "cap_percent": "9"},
]
WORDS = {"case", "id"}  # any text will do
HAS_DEFAULT = {
    "tax_mode", "rounding", "base_quantity", "adjustments", "coupon", "spread", "prepaid", "from", "until", "floor_percent", "cap_percent", "tax",
}  # fmt: skip
HUGE = 10**5000
NESTED: Any = "x"
for _ in range(100):
    NESTED = [NESTED]
JUNK = [
    True, [], {}, "", " 1", "1,5", "NaN", "-Infinity", "1e3", "1e999", "+1", ".5", "٣", "\x00", "\ud800", 1.5, float("nan"), float("inf"), 10**20, HUGE,
    "9" * 40, "../../etc/passwd", "0001-01-01", "2026-13-01", "2026-02-30", "2026-03-30T10:00:00", "0001-01-01T00:00:00+14:00", NESTED, [None], {"a": "b"},
]  # fmt: skip


def places(given: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every value of a case, by its path."""
    if path:
        yield path
    for name, each in given.items() if isinstance(given, dict) else enumerate(given) if isinstance(given, list) else ():
        yield from places(each, (*path, name))


def put(case: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed: Any = copy.deepcopy(case)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return changed  # type: ignore[no-any-return]


def run(text: str, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    out = io.StringIO()
    code = quote_command.main(["-", *arguments], out=out, source=io.StringIO(text))
    return code, [json.loads(each) for each in out.getvalue().splitlines()]


def written(junk: Any) -> str:
    return "1" + "0" * 5000 if junk == HUGE else json.dumps(junk)


def test_the_cases_to_spoil_are_good() -> None:
    assert run("".join(json.dumps(case) + "\n" for case in GOOD), "--lines")[0] == 0


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case["kind"])
def test_junk_in_any_place_is_told_by_that_place(case: dict[str, Any]) -> None:
    for path in places(case):
        field = ".".join(map(str, path))
        for junk in JUNK:
            fits = junk in ([], {}) if path[-1] == "adjustments" else path[-1] in WORDS and isinstance(junk, str)
            if fits and junk != "":
                continue
            code, (answer,) = run(json.dumps(put(case, path, "@@")).replace('"@@"', written(junk)))
            assert code == 2 and set(answer) == {"case", "error"}, (field, junk, answer)
            told = answer["error"]["field"]
            assert answer["error"]["message"] and (told == field or told.startswith(field + ".")), (field, junk, answer)


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case["kind"])
def test_a_name_that_nobody_knows_is_told_wherever_it_is(case: dict[str, Any]) -> None:
    for path in [(), *places(case)]:
        inner: Any = case
        for step in path:
            inner = inner[step]
        if isinstance(inner, dict):
            code, (answer,) = run(json.dumps(put(case, (*path, "misspelt"), "1")))
            assert (code, answer["error"]["field"]) == (2, ".".join(map(str, (*path, "misspelt"))))


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case["kind"])
def test_what_is_missing_is_told_or_has_a_value_that_is_documented(case: dict[str, Any]) -> None:
    for path in places(case):
        if isinstance(path[-1], int):
            continue
        changed, field = put(case, path, None), ".".join(map(str, path))
        inner: Any = changed
        for step in path[:-1]:
            inner = inner[step]
        del inner[path[-1]]
        code, (answer,) = run(json.dumps(changed))
        if path[-1] in HAS_DEFAULT and (path[-1] != "tax" or path == ("tax",)):
            assert code == 0, (field, answer)
        else:
            assert (code, answer["error"]["field"]) == (2, field), answer


@pytest.mark.parametrize(
    ("text", "field", "word"),
    [
        ("", "case", "not JSON"), ("\ufeff" + json.dumps(FUEL), "case", "BOM"), (json.dumps(FUEL) * 2, "case", "Extra data"),
        ("[]", "case", "JSON object"), ("null", "case", "JSON object"), ("{" * 50_000, "case", "not JSON"), ("[" * 50_000, "case", "nested"),
        ('{"case": "a", "on": "1", "on": "2"}', "on", "comes twice"), ("\udcff", "case", "UTF-8"),
        ("[" * 900 + "]" * 900, "case", "JSON object"), ('{"kind": ' + "[" * 900 + "]" * 900 + "}", "kind", "no kind"),
    ],
)  # fmt: skip
def test_what_is_no_case_is_answered_as_one(text: str, field: str, word: str) -> None:
    code, (answer,) = run(text)
    assert (code, answer["case"], answer["error"]["field"]) == (2, None, field)
    assert word in answer["error"]["message"] and len(answer["error"]["message"]) < 300


@pytest.mark.parametrize(
    ("case", "field", "word"),
    [
        (document(line(), line()), "lines.1.id", "already"),
        (document(line(tax={"category": "S"})), "lines.0.tax.rate", "in percent"),
        (document(line(tax={"category": "S", "rate": "100.01"})), "lines.0.tax.rate", "100"),
        (document(line(base_quantity="-1")), "lines.0.base_quantity", "greater than 0"),
        ({**PRORATION, "timezone": "localtime"}, "timezone", "Europe/Vienna"),
        ({**PRORATION, "from": "2026-03-29T10:00:00Z", "until": "2026-03-29T09:00:00Z"}, "until", "before it starts"),
        ({**CHANGE, "change_on": "2026-02-28"}, "change_on", "not in the period"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_told(case: dict[str, Any], field: str, word: str) -> None:
    code, (answer,) = run(json.dumps(case))
    assert (code, answer["error"]["field"]) == (2, field) and word in answer["error"]["message"]


def test_bytes_that_are_no_text_spoil_their_own_line_only(tmp_path: Path) -> None:
    """Through the real command, with a terminal that knows ASCII alone."""
    named = json.dumps({**FUEL, "case": "Müll \\ud800"}, ensure_ascii=False).replace("\\\\", "\\").encode()
    content = b"\xff\xfe{}\n" + named + b"\r\n\n" + b'{"case": "\xe9"}\n' + json.dumps(CHANGE).encode()
    (tmp_path / "cases.jsonl").write_bytes(content)
    for path, given in ((str(tmp_path / "cases.jsonl"), b""), ("-", content)):
        command = [sys.executable, "manage.py", "quote", path, "--lines"]
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
        done = subprocess.run(command, cwd=ROOT, env=environment, input=given, capture_output=True)
        assert (done.returncode, done.stderr) == (2, b"")
        answers = [json.loads(each) for each in done.stdout.decode("utf-8").splitlines()]
        assert [answer["case"] for answer in answers] == [None, "Müll \ud800", None, "x"]
        assert ["UTF-8" in str(answer.get("error")) for answer in answers] == [True, False, True, False]
