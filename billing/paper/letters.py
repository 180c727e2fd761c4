"""Which letters can be printed, and with which fonts: where the house's own has none, Noto's step in. What none has, is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unicodedata import category

import font_source_sans_pro
import manimgx_fonts
import noto_cjk_sans_jp_regular

SOURCE = Path(font_source_sans_pro.font_directory)
NOTO = Path(str(manimgx_fonts.__file__)).parent
OWN = {"": SOURCE / "SourceSansPro-Regular.ttf", "B": SOURCE / "SourceSansPro-Semibold.ttf"}
PLAIN = frozenset(map(chr, [*range(0x20, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x17F)])) | frozenset(
    "\u00a0–—‘’“”„•…€−"
)


@dataclass(frozen=True)
class Face:
    """A font that steps in: for letters of these scripts (none: of any). `shaped`: its letters join, stack, or run from right to left."""

    family: str
    file: Path
    scripts: frozenset[str] = frozenset()
    shaped: bool = False


def _noto(name: str, *scripts: str, shaped: bool = True) -> Face:
    return Face(name.lower(), NOTO / f"Noto{name}[wght].ttf", frozenset(scripts), shaped)


CJK = Path(str(noto_cjk_sans_jp_regular.FONT_PATH))
FACES = (
    Face("cjk", CJK, frozenset({"Hani", "Hang", "Hira", "Kana", "Bopo"})),
    _noto("SansArabic", "Arab"), _noto("SansHebrew", "Hebr"),
    _noto("SansArmenian", "Armn", shaped=False), _noto("SansGeorgian", "Geor", shaped=False), _noto("SansEthiopic", "Ethi", shaped=False),
    _noto("SansThai", "Thai"), _noto("SansLao", "Laoo"), _noto("SansKhmer", "Khmr"), _noto("SansMyanmar", "Mymr"),
    _noto("SansDevanagari", "Deva"), _noto("SansBengali", "Beng"), _noto("SansGurmukhi", "Guru"), _noto("SansGujarati", "Gujr"),
    _noto("SansOriya", "Orya"), _noto("SansTamil", "Taml"), _noto("SansTelugu", "Telu"), _noto("SansKannada", "Knda"),
    _noto("SansMalayalam", "Mlym"), _noto("SansSinhala", "Sinh"),
    _noto("Sans", shaped=False), _noto("SansSymbols", shaped=False), Face("cjk", CJK),
)  # fmt: skip


def letters_of(told: Any) -> frozenset[str]:
    """Every letter in the texts of a paper, however deep they lie."""
    return frozenset(letter for text in _texts(told) for letter in text)


def faces_for(letters: Iterable[str]) -> list[Face]:
    """Which fonts must step in."""
    return _chosen(letters)[0]


def unprintable(letters: Iterable[str]) -> list[str]:
    """The letters that no font has: a question mark stands for each."""
    return sorted(_chosen(letters)[1])


def invisible(letter: str) -> bool:
    """Marks that only steer how others are set, and line ends: where a font lacks them nothing is lost."""
    return category(letter) in ("Cf", "Cc", "Zl", "Zp")


def _chosen(letters: Iterable[str]) -> tuple[list[Face], set[str]]:
    missing = {each for each in set(letters) - PLAIN if not invisible(each)}
    if not missing:
        return [], missing
    from fontTools.unicodedata import script  # 20 MB with its tables, for strange letters alone

    missing = {each for each in missing if not all(ord(each) in shown(file) for file in OWN.values())}
    found: list[Face] = []
    for face in FACES:
        if face.scripts and face.scripts.isdisjoint(map(script, missing)):
            continue
        if missing and (has := {each for each in missing if ord(each) in shown(face.file)}):
            found.append(face)
            missing -= has
    return list({face.family: face for face in found}.values()), missing


@cache
def shown(file: Path) -> frozenset[int]:
    """The code points that a font has letters for."""
    from fontTools.ttLib import TTFont

    with TTFont(file, lazy=True) as font:
        return frozenset(font.getBestCmap())


def _texts(told: Any) -> Iterator[str]:
    if isinstance(told, str):
        yield told
    elif isinstance(told, Mapping):
        yield from _texts(list(told.values()))
    elif isinstance(told, (list, tuple)):
        for each in told:
            yield from _texts(each)
    elif dataclasses.is_dataclass(told):
        for field in dataclasses.fields(told):
            yield from _texts(getattr(told, field.name))
