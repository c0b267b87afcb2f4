"""The commands of `python -m simulator`: their arguments and what each does with them."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from simulator import (
    bench,
    demo,
    exercise,
    figures,
    month,
    plots,
    replay,
    report,
    run,
    saving,
    score,
    score_report,
    stand_ins,
)
from simulator.client import ServiceError
from simulator.clock import Clock
from simulator.exercise import Exercise
from simulator.judge import Judge
from simulator.plan import party_sendings, plan_story
from simulator.report import Live
from simulator.run import Play, Scene, Target
from simulator.stories import Story
from simulator.story_loader import STORIES, find_story, list_stories, load_story
from simulator.tracks import write_track
from simulator.verdicts import Row
from simulator.world import Circle, Place
from simulator.yaml_reader import StoryError

MOST_SEEDS = 10_000
"""More runs of one story than this tell nothing new."""
LONGEST_INTERVAL_S = 600
"""A device that speaks more rarely is silent (field/monitoring.md kind 14)."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Login:
    """A supervisor's login and secret; empty when nobody gave them."""

    login: str
    secret: str


@dataclass(frozen=True, slots=True)
class Room:
    """What a command works with beside its arguments."""

    console: Console
    clock: Clock
    login: Callable[[], Login]


def make_parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    """Return the parser; defaults of ports follow the service's settings."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description="Plays devices against Baken.")
    commands = parser.add_subparsers(required=True, metavar="command")
    command = commands.add_parser("list", help="show the stories")
    command.set_defaults(run=_list)
    command = commands.add_parser("run", help="play stories and judge what the service made of them")
    command.add_argument("story", nargs="+", help="name, file, or `all`")
    command.add_argument("--seed", type=int, help="other noise and pace than the story's own")
    command.add_argument("--speed", type=_speed, default=1.0, help="times real time, or `max`")
    command.add_argument("--loop", action="store_true", help="again and again until Ctrl-C")
    command.add_argument("--keep", action="store_true", help="leave orders and alerts as they are afterwards")
    _add_target(command, environ, _run)
    _add_replay(commands.add_parser("replay", help="replay GPX recordings"), environ)
    _add_bench(commands.add_parser("bench", help="measure rate, delays and losses"), environ)
    _add_score(commands.add_parser("score", help="judge many seeds of all stories in virtual time"))
    command = commands.add_parser("month", help="judge one pair's ordinary month in virtual time")
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--interval", type=_interval, default=60, metavar="S", help="between two messages")
    command.set_defaults(run=_month)
    command = commands.add_parser("saving", help="what safe-horizon reporting saves")
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--days", type=int, default=7, choices=range(1, 31), metavar="1..30")
    command.set_defaults(run=_saving)
    command = commands.add_parser("demo", help="loop stories until SIGTERM, one line per event")
    command.add_argument("story", nargs="*", default=list(demo.STORIES))
    _add_target(command, environ, _demo)
    command = commands.add_parser("police", help="a stand-in police desk for the webhook")
    stand_ins.add_police_options(command, environ)
    command.set_defaults(run=_police)
    command = commands.add_parser("sms", help="a stand-in SMS gateway")
    stand_ins.add_sms_options(command, environ)
    command.set_defaults(run=_sms)
    command = commands.add_parser("record", help="write what a story's devices would say as GPX")
    command.add_argument("story")
    command.add_argument("--out", type=Path, required=True)
    command.add_argument("--seed", type=int)
    command.set_defaults(run=_record)
    return parser


def _add_replay(command: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    command.add_argument("--wearer", type=Path, required=True, metavar="GPX")
    command.add_argument("--protected", type=Path, metavar="GPX")
    command.add_argument("--zone", type=_circle, metavar="LAT,LON,RADIUS")
    command.add_argument("--zone-at-fraction", type=float, default=0.5, help="of the recorded points")
    command.add_argument("--zone-radius", type=float, default=100.0, metavar="M")
    command.add_argument("--buffer", type=float, default=100.0, metavar="M")
    command.add_argument("--alert-radius", type=float, default=500.0, metavar="M")
    command.add_argument("--warning-radius", type=float, default=1000.0, metavar="M")
    command.add_argument("--accuracy", type=_accuracy, default=10.0, help="metres, or `none` to leave it out")
    command.add_argument("--speed", type=float, default=1.0)
    command.add_argument("--raw-time", action="store_true", help="send the recording's own times")
    command.add_argument("--keep", action="store_true", help="leave the order and alerts as they are")
    _add_target(command, environ, _replay)


def _add_bench(command: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    command.add_argument("--rate", type=float, default=100.0, help="positions a second in total")
    command.add_argument("--seconds", type=float, default=30.0)
    command.add_argument("--devices", type=int, default=bench.USUAL_DEVICES, help="wearers")
    command.add_argument("--json", action="store_true", help="figures as JSON instead of a table")
    command.add_argument("--allow-remote", action="store_true", help="load a service that is not on loopback")
    _add_target(command, environ, _bench)


def _add_score(command: argparse.ArgumentParser) -> None:
    command.add_argument("folder", nargs="?", type=Path, default=STORIES, help="of stories; else the shipped")
    command.add_argument("--seeds", type=_count, default=20, metavar="N", help="runs of each story")
    command.add_argument("--story", nargs="+", metavar="NAME", help="only these of the folder")
    command.add_argument("--json", action="store_true", help="the same as JSON instead of tables")
    command.add_argument("--plot", type=Path, metavar="SVG", help="draw delays and alerts as well")
    command.set_defaults(run=_score)


def _add_target(
    command: argparse.ArgumentParser,
    environ: Mapping[str, str],
    do: Callable[[argparse.Namespace, Room], int],
) -> None:
    host = environ.get("BAKEN_HOST", "127.0.0.1")
    control = f"http://{host}:{environ.get('BAKEN_CONTROL_PORT', '8460')}"
    app = f"http://{host}:{environ.get('BAKEN_APP_PORT', '8470')}"
    broker = f"{environ.get('BAKEN_MQTT_HOST', '127.0.0.1')}:{environ.get('BAKEN_MQTT_PORT', '18830')}"
    command.add_argument("--control", default=control, metavar="URL")
    command.add_argument("--app", default=app, metavar="URL")
    command.add_argument("--mqtt", default=broker, metavar="HOST:PORT")
    command.add_argument("--login", help="a supervisor; else BAKEN_SIM_LOGIN, else the demo log-in")
    command.add_argument("--secret", help="else BAKEN_SIM_SECRET, else the demo log-in")
    command.set_defaults(run=do)


def _target(chosen: argparse.Namespace, room: Room) -> Target:
    given = room.login()
    login, secret = chosen.login or given.login, chosen.secret or given.secret
    if not login or not secret:
        raise ServiceError(
            "no log-in: give --login and --secret, or BAKEN_SIM_LOGIN and BAKEN_SIM_SECRET, or `make run`"
        )
    host, _, port = chosen.mqtt.rpartition(":")
    if not host or not port.isdigit():
        raise ServiceError(f"--mqtt {chosen.mqtt!r} is not HOST:PORT")
    return Target(chosen.control.rstrip("/"), chosen.app.rstrip("/"), host, int(port), login, secret)


def _list(_chosen: argparse.Namespace, room: Room) -> int:
    table = Table(title="Stories", title_justify="left")
    table.add_column("name", no_wrap=True)
    for name in ("what happens", "lasts", "fastest", "must come"):
        table.add_column(name)
    for path in list_stories():
        story = load_story(path)
        must = ", ".join(dict.fromkeys(must.kind for must in story.expect.must)) or "nothing"
        fastest = "score" if story.score_only else f"{story.fastest_allowed():.0f}×"
        lasts = f"{story.duration_s():.0f} s"
        table.add_row(story.name, story.title, lasts, fastest, must)
    room.console.print(table)
    return 0


def _run(chosen: argparse.Namespace, room: Room) -> int:
    if chosen.story == ["all"]:
        every = [load_story(path) for path in list_stories()]
        stories = [story for story in every if not story.score_only]
        room.console.print(f"{len(stories)} stories; {len(every) - len(stories)} more only `score` can play")
    else:
        stories = [load_story(find_story(name)) for name in chosen.story]
    scenes = [run.scene_of(story, chosen.seed, _speed_of(chosen.speed, story)) for story in stories]
    target = _target(chosen, room)
    status, results = 0, []
    while True:
        for scene in scenes:
            rows = play(scene, target, room, keep=chosen.keep)
            results.append((scene, rows))
            status = max(status, report.exit_status(rows))
        if not chosen.loop:
            break
    if len(results) > 1:
        report.print_summary(room.console, [(scene.title, rows) for scene, rows in results])
    return status


def play(scene: Scene, target: Target, room: Room, *, keep: bool) -> list[Row]:
    """Play a scene, print its table and end its exercise, also when it is broken off."""
    made: list[Exercise] = []
    with target.sign_in() as control:
        try:
            with Live(room.console, scene.title, scene.total_s) as live:
                rows = Play(scene, target, room.clock, live).run(control, made.append)
        finally:
            if not keep:
                exercise.end(control, made)
    report.print_rows(room.console, scene.title, rows)
    return rows


def _replay(chosen: argparse.Namespace, room: Room) -> int:
    draft = replay.ReplayDraft(
        wearer=chosen.wearer,
        protected=chosen.protected,
        zone=chosen.zone,
        fraction=min(1.0, max(0.0, chosen.zone_at_fraction)),
        radius_m=chosen.zone_radius,
        buffer_m=chosen.buffer,
        alert_radius_m=chosen.alert_radius,
        warning_radius_m=chosen.warning_radius,
        accuracy_m=chosen.accuracy,
        speed=max(1.0, chosen.speed),
        raw_time=chosen.raw_time,
    )
    scene, notes = replay.scene_of(draft)
    for note in notes:
        room.console.print(note, highlight=False, markup=False)
    target = _target(chosen, room)
    with target.sign_in() as control:
        before = control.health()["rejected"]
        rows = play(scene, target, room, keep=chosen.keep)
        after = control.health()["rejected"]
    aside = {reason: after[reason] - before.get(reason, 0) for reason in after}
    for reason, count in sorted(aside.items()):
        if count:
            room.console.print(f"kept aside: {count} × {reason}", highlight=False)
    return report.exit_status(rows)


def _bench(chosen: argparse.Namespace, room: Room) -> int:
    target = _target(chosen, room)
    hosts = {urlsplit(target.control_url).hostname, urlsplit(target.app_url).hostname, target.mqtt_host}
    if not hosts <= LOOPBACK and not chosen.allow_remote:
        raise bench.BenchError("bench loads a service on loopback only; --allow-remote if you mean it")
    draft = bench.checked(bench.BenchDraft(chosen.rate, chosen.seconds, chosen.devices))
    with target.sign_in() as control:
        measurement = bench.Bench(draft, target, room.clock)
        try:
            found = measurement.run(control)
        finally:
            exercise.end(control, measurement.exercises)
    if chosen.json:
        print_json(room.console, figures.to_json(found))
    else:
        figures.print_figures(room.console, found)
    return 0 if found.is_good else 1


def print_json(console: Console, text: str) -> None:
    """Print JSON without colours and line breaks of the terminal."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _score(chosen: argparse.Namespace, room: Room) -> int:
    stories = [load_story(path) for path in list_stories(chosen.folder)]
    wanted = set(chosen.story or [])
    if unknown := wanted - {story.name for story in stories}:
        raise StoryError(f"{chosen.folder}: no story {min(unknown)!r}")
    stories = [story for story in stories if not wanted or story.name in wanted]
    if not stories:
        raise StoryError(f"{chosen.folder}: no stories")
    with score_report.Going(room.console, len(stories) * chosen.seeds, is_quiet=chosen.json) as going:
        scores = score.score(stories, range(1, chosen.seeds + 1), going.tell)
    if chosen.json:
        print_json(room.console, score_report.to_json(scores))
    else:
        score_report.print_scores(room.console, scores)
    if chosen.plot:
        chosen.plot.write_text(plots.score_svg(scores), encoding="utf-8")
    return 0 if all(item.is_good for item in scores) else 1


def _month(chosen: argparse.Namespace, room: Room) -> int:
    with Judge() as judge:
        found = month.judge_month(judge, chosen.seed, chosen.interval)
    score_report.print_month(room.console, found)
    return 1 if found.false_grave else 0


def _saving(chosen: argparse.Namespace, room: Room) -> int:
    with Judge() as judge:
        for farther_m in saving.FARTHER_M:
            for both in (False, True):
                found = saving.judge_saving(judge, chosen.seed, chosen.days, farther_m, both=both)
                score_report.print_saving(room.console, found, farther_m, both=both)
    return 0


def _demo(chosen: argparse.Namespace, room: Room) -> int:
    stories = [load_story(find_story(name)) for name in chosen.story]
    demo.loop(stories, _target(chosen, room), room.clock, _sayer(room))


def _police(chosen: argparse.Namespace, room: Room) -> int:
    return stand_ins.serve_police(chosen, room.clock, _sayer(room))


def _sms(chosen: argparse.Namespace, room: Room) -> int:
    return stand_ins.serve_sms(chosen, room.clock, _sayer(room))


def _sayer(room: Room) -> Callable[[str], None]:
    def say(line: str) -> None:
        room.console.print(line, highlight=False, markup=False)

    return say


def _record(chosen: argparse.Namespace, room: Room) -> int:
    story = load_story(find_story(chosen.story))
    plan = plan_story(story, story.seed if chosen.seed is None else chosen.seed, 1.0)
    chosen.out.mkdir(parents=True, exist_ok=True)
    for actor in story.actors:
        path = chosen.out / f"{story.name}-{actor.party}.gpx"
        begin_s = int(room.clock.now())
        write_track(path, f"{story.title} ({actor.party})", party_sendings(plan, actor.party), begin_s)
        room.console.print(str(path), highlight=False, markup=False)
    return 0


def _speed(text: str) -> float | None:
    """Return the factor, None for each story's fastest."""
    if text == "max":
        return None
    value = float(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def _speed_of(chosen: float | None, story: Story) -> float:
    return story.fastest_allowed() if chosen is None else chosen


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= MOST_SEEDS:
        raise argparse.ArgumentTypeError(f"must be from 1 to {MOST_SEEDS}")
    return value


def _interval(text: str) -> int:
    value = int(text)
    if not 10 <= value <= LONGEST_INTERVAL_S:
        raise argparse.ArgumentTypeError(f"must be from 10 to {LONGEST_INTERVAL_S}")
    return value


def _accuracy(text: str) -> float | None:
    return None if text == "none" else float(text)


def _circle(text: str) -> Circle:
    lat, lon, radius_m = (float(part) for part in text.split(","))
    return Circle(Place(lat, lon), radius_m)
