"""From a YAML file to a `Story`; what is unknown, impossible or contradictory is refused with its line."""

from datetime import datetime
from pathlib import Path

from simulator import faults
from simulator.schedule import Party
from simulator.stories import LONGEST_S, LONGEST_SCORED_S, Expectation, Story
from simulator.story_expect import read_expectation
from simulator.story_orders import read_orders
from simulator.story_people import read_actor, read_people
from simulator.world import Place
from simulator.yaml_reader import Field, StoryError, read_yaml

STORIES = Path(__file__).with_name("stories")
NEEDS_SCORE = ("orders", "exemptions", "start_at")
"""What one exercise in the register of a running service cannot hold."""


def find_story(name: str) -> Path:
    """Return the file of a shipped story's name, or the path itself."""
    shipped = STORIES / f"{name}.yaml"
    if shipped.exists():
        return shipped
    if Path(name).suffix in {".yaml", ".yml"}:
        return Path(name)
    raise StoryError(f"{name}: no such story; `python -m simulator list` shows them")


def list_stories(folder: Path = STORIES) -> list[Path]:
    """Return the stories of a folder, the shipped ones unless told otherwise, by name."""
    return sorted(folder.glob("*.yaml"))


def load_story(path: Path) -> Story:
    """Return the story of a file; raises StoryError with file, line and reason."""
    top = read_yaml(path).fields(
        ("title", "about", "wearer", "expect"),
        (
            *("order", "orders", "seed", "history_s", "max_speed", "listen_s", "places", "zones"),
            *("protected", "exemptions", "start_at", "score_only", "ordinary"),
        ),
    )
    if ("order" in top) == ("orders" in top):
        raise top["title"].refuse("a story has either `order` or `orders`")
    places: dict[str, Place] = {}
    if "places" in top:
        places = {name: field.place({}) for name, field in top["places"].mapping().items()}
    people = read_people(top.get("protected"), places)
    story = Story(
        name=path.stem,
        title=top["title"].text(),
        about=top["about"].text(),
        seed=top["seed"].whole(0, 2**31) if "seed" in top else 1,
        orders=read_orders(top, people, places),
        wearer=read_actor(top["wearer"], Party.WEARER, places),
        people=people,
        expect=Expectation(),
        history_s=top["history_s"].whole(0, 3600) if "history_s" in top else 0,
        max_speed=top["max_speed"].number(1, 60) if "max_speed" in top else 60.0,
        listen_s=top["listen_s"].number(1, 1200) if "listen_s" in top else 3.0,
        start_at=_start_at(top["start_at"]) if "start_at" in top else None,
        score_only=top["score_only"].flag() if "score_only" in top else False,
        ordinary=top["ordinary"].flag() if "ordinary" in top else False,
    )
    _check_times(top, story)
    _check_devices(top, story)
    return _with(story, read_expectation(top["expect"], story))


def _with(story: Story, expect: Expectation) -> Story:
    values = {name: getattr(story, name) for name in Story.__slots__}
    return Story(**{**values, "expect": expect})


def _start_at(field: Field) -> datetime:
    try:
        moment = datetime.fromisoformat(field.text())
    except ValueError as error:
        raise field.refuse("start_at must be a moment like 2026-11-25T21:30+01:00") from error
    if moment.tzinfo is None:
        raise field.refuse("start_at must say its UTC offset, like 2026-11-25T21:30+01:00")
    return moment


def _check_times(top: dict[str, Field], story: Story) -> None:
    if story.duration_s() <= 0:
        raise top["history_s" if "history_s" in top else "wearer"].refuse(
            "nothing happens after the run begins"
        )
    longest_s = LONGEST_SCORED_S if story.score_only else LONGEST_S
    if story.duration_s() > longest_s:
        raise top["wearer"].refuse(f"lasts {story.duration_s():.0f} s; at most {longest_s:.0f}")
    needs = [name for name in NEEDS_SCORE if name in top]
    if len(story.people) > 1:
        needs.append("protected")
    if needs and not story.score_only:
        raise top[needs[0]].refuse(f"a story with this {needs[0]} has to say score_only: true")


def _check_devices(top: dict[str, Field], story: Story) -> None:
    for actor in story.actors:
        for fault in actor.faults:
            moment_s = getattr(fault, "from_s", getattr(fault, "at_s", 0.0))
            if moment_s > story.duration_s():
                raise top[actor.party].refuse(
                    f"a fault at {moment_s:g} s is after the end of the story at {story.duration_s():.0f} s"
                )
            if isinstance(fault, faults.Forge) and not actor.device.sealed:
                raise top[actor.party].refuse("forge needs a sealed device: else plain messages are its own")
            if isinstance(fault, faults.Impostor) and not story.people:
                raise top[actor.party].refuse("impostor needs a second device, the protected person's")
