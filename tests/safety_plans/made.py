"""Content and documents of plans, small and whole."""

from typing import Any

from api.safety_plans.model.content import MUST_WARN, SECTIONS


def both(words: str) -> dict[str, str]:
    return {"nl": f"{words} nl", "en": f"{words} en"}


def plain_item(code: str, **more: Any) -> dict[str, Any]:
    said = {"code": code, "title": both("title"), "text": both("text"), "phase": "home", "danger": 0}
    return said | {"source": "a test"} | more


def plain_section(code: str, **more: Any) -> dict[str, Any]:
    extra = {"warning": both("warning")} if code == MUST_WARN else {}
    item = plain_item(f"{code}_1", **extra)
    return {"code": code, "title": both(code), "intro": both("intro"), "items": [item]} | more


def plain_files() -> dict[str, Any]:
    """The smallest content that can be used: a section a file, one item each."""
    about = {
        "version": "2026-01-01",
        "decided_by": "a test",
        "intro": both("intro"),
        "call_warning": both("calls"),
        "danger": [both(f"level {level}") for level in range(4)],
        "acute": [{"code": "first", "title": both("first"), "items": ["nu_veilig_1", "vertrek_1"]}],
    }
    files: dict[str, Any] = {"about.yaml": about}
    for place, code in enumerate(SECTIONS):
        files[f"{place:02}.yaml"] = {"version": "2026-01-01", "sections": [plain_section(code)]}
    return files


def item_of(files: dict[str, Any], section: str) -> dict[str, Any]:
    """The item of a section, to be changed."""
    found: dict[str, Any] = section_of(files, section)["items"][0]
    return found


def section_of(files: dict[str, Any], section: str) -> dict[str, Any]:
    found: dict[str, Any] = files[file_of(section)]["sections"][0]
    return found


def file_of(section: str) -> str:
    return f"{SECTIONS.index(section):02}.yaml"
