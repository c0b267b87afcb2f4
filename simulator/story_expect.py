"""From the `expect:` of a story to what must, must not and may follow; contradictions are refused."""

from simulator.schedule import Party
from simulator.stories import ANY, KINDS, PROXIMITY_KINDS, ZONE_KINDS, Expectation, Must, Story
from simulator.story_faults import moment
from simulator.yaml_reader import Field


def read_expectation(field: Field, story: Story) -> Expectation:
    """Return what a story expects; `story` is all the rest of it."""
    keys = field.fields((), ("must", "must_not", "at_most", "silent_wearer", "no_worse_than", "nobody_paged"))
    musts = tuple(_must(item, story) for item in keys["must"].items()) if "must" in keys else ()
    must_not = _must_not(keys, musts)
    at_most: list[tuple[str, int]] = []
    for name, item in keys["at_most"].mapping().items() if "at_most" in keys else []:
        if name not in KINDS:
            raise item.refuse(f"at_most: {name!r} is unknown; known are {', '.join(sorted(KINDS))}")
        if name in must_not:
            raise item.refuse(f"contradiction: {name} stands in must_not as well")
        at_most.append((name, item.whole(1, 100)))
    no_worse_than = keys["no_worse_than"].whole(2, 5) if "no_worse_than" in keys else None
    if not musts and not must_not and no_worse_than is None:
        raise field.refuse("expect says neither what must come nor what must not")
    silent = keys["silent_wearer"].flag() if "silent_wearer" in keys else False
    unpaged = keys["nobody_paged"].flag() if "nobody_paged" in keys else False
    if unpaged and not story.score_only:
        raise keys["nobody_paged"].refuse("nobody_paged can only be seen by score: say score_only: true")
    return Expectation(musts, frozenset(must_not), tuple(at_most), silent, no_worse_than, unpaged)


def _must_not(keys: dict[str, Field], musts: tuple[Must, ...]) -> set[str]:
    must_not: set[str] = set()
    for item in keys["must_not"].items() if "must_not" in keys else []:
        kind = item.choice(KINDS | {ANY})
        if any(kind in {must.kind, ANY} for must in musts):
            raise item.refuse(f"contradiction: {kind} must not come, and must come")
        must_not.add(kind)
    return must_not


def _must(item: Field, story: Story) -> Must:
    keys = item.fields(
        ("kind",), ("within_s", "by_s", "since_s", "party", "zone", "person", "order", "whose", "severity")
    )
    kind = keys["kind"].choice(KINDS)
    if kind in ZONE_KINDS and not story.zones:
        raise item.refuse(f"contradiction: {kind} without a zone in the story")
    if kind in PROXIMITY_KINDS and not story.people:
        raise item.refuse(f"contradiction: {kind} without a protected person in the story")
    party = Party(keys["party"].choice(set(Party))) if "party" in keys else None
    if party is Party.PROTECTED and not story.people:
        raise item.refuse("contradiction: there is no protected person in the story")
    by_s = moment(keys["by_s"]) if "by_s" in keys else None
    if by_s is not None and by_s > story.duration_s() + story.listen_s:
        raise keys["by_s"].refuse(f"by_s comes after the end of the story at {story.duration_s():.0f} s")
    since_s = moment(keys["since_s"]) if "since_s" in keys else None
    if since_s is not None and by_s is not None and since_s >= by_s:
        raise keys["since_s"].refuse(f"since_s must come before by_s ({by_s:g})")
    return Must(
        kind,
        within_s=keys["within_s"].number(0.1, 1200) if "within_s" in keys else 5.0,
        by_s=by_s,
        party=party,
        zone=keys["zone"].choice({zone.name for zone in story.zones}) if "zone" in keys else None,
        person=keys["person"].flag() if "person" in keys else False,
        since_s=since_s,
        order=keys["order"].choice({order.name for order in story.orders}) if "order" in keys else None,
        whose=keys["whose"].choice({actor.whose for actor in story.people}) if "whose" in keys else None,
        severity=keys["severity"].whole(1, 5) if "severity" in keys else None,
    )
