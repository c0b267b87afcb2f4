"""`python -m api <process>`: the only place that lists processes, and the only reader of the environment."""
# ruff: noqa: PLC0415 - each process loads only its own code: a worker that was killed is back sooner

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from api.kernel.config import STAFF_ROLES, SettingError, Settings, content_dir_of, home_of
from api.kernel.logs import setup_logging


def _worker(settings: Settings) -> None:
    """Judge positions: broker → database."""
    from api.geofence import worker
    from api.kernel.db import make_engine

    worker.run(settings, make_engine(settings.database_url, settings.server_key))


def _watchdog(settings: Settings) -> None:
    """Raise alerts for devices that went silent."""
    from api.geofence import watchdog
    from api.kernel.db import make_engine

    watchdog.run(settings, make_engine(settings.database_url, settings.server_key))


def _dispatcher(settings: Settings) -> None:
    """Send what alerts cause: webhook to police, commands to devices."""
    from api.alerts import dispatcher
    from api.kernel.db import make_engine
    from api.policing.service import phones_of

    engine = make_engine(settings.database_url, settings.server_key)
    dispatcher.run(settings, engine, phones_of)


def _broker_accounts(settings: Settings) -> None:
    """Keep the broker's accounts those of the device register."""
    from api.kernel.db import make_engine
    from api.launch import broker

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    broker.write_server(settings)
    broker.keep_accounts(settings, make_engine(settings.database_url, settings.server_key), stop)


def _migrate(settings: Settings) -> None:
    """Bring the database to this version's tables."""
    from api.kernel.db import make_engine
    from api.launch import setup

    os.umask(0o077)  # a database that is made here is its owner's alone
    setup.migrate(make_engine(settings.database_url, settings.server_key))


def _seed_demo(settings: Settings) -> None:
    """Make the demo's log-ins, once."""
    from api.kernel.db import make_engine
    from api.launch import setup

    setup.seed_demo(settings.home, make_engine(settings.database_url, settings.server_key))
    print(f"The log-ins are in {setup.demo_file(settings.home)}.")


def _openapi(settings: Settings) -> None:
    """Print the description of the API."""
    from api.app import openapi_of

    print(json.dumps(openapi_of(settings), indent=2, ensure_ascii=False))


def _routes(settings: Settings) -> None:
    """Print who may call what: every route by every role."""
    from api.launch.matrix import matrix_of

    print(matrix_of(settings), end="")


def _web_control(settings: Settings) -> None:
    """Serve staff: control room, administration, API."""
    from api.app import Audience
    from api.launch import web

    web.serve(settings, Audience.CONTROL)


def _web_app(settings: Settings) -> None:
    """Serve protected persons: the neutral app, and OwnTracks' HTTP mode."""
    from api.app import Audience
    from api.launch import web

    web.serve(settings, Audience.APP)


PROCESSES: dict[str, Callable[[Settings], None]] = {
    "web-control": _web_control,
    "web-app": _web_app,
    "worker": _worker,
    "watchdog": _watchdog,
    "dispatcher": _dispatcher,
    "broker-accounts": _broker_accounts,
}


def _up(environ: Mapping[str, str], *, is_demo: bool) -> int:
    """Set up and run everything on this machine, until Ctrl-C."""
    from api.launch import up

    return up.up(environ, is_demo=is_demo)


def _setup(environ: Mapping[str, str]) -> None:
    """Generate the secrets of this house, once."""
    from api.launch import preflight, setup

    home = home_of(environ)
    preflight.check_home(home)
    setup.make_secrets(home, environ)


def _judge() -> int:
    """Judge JSON lines in virtual time, in memory: standard input to standard output."""
    from api.rehearsal import judge

    return judge.run(sys.stdin.buffer, sys.stdout)


def _verify(pack: str, key: str | None) -> int:
    """Check an evidence pack, with nothing but the file and perhaps a public key."""
    from api.evidence.service import checking

    return checking.run(Path(pack), key, sys.stdout)


def _replay(settings: Settings, alert: str, *, as_json: bool) -> int:
    """Recompute an alert from what is stored, and compare."""
    from api.geofence.service.limits import read_house_limits
    from api.kernel.db import make_engine
    from api.rehearsal import replay

    engine = make_engine(settings.database_url, settings.server_key)
    house = read_house_limits(settings.limits_file)
    return replay.run(engine, house, alert, sys.stdout, as_json=as_json)


def _check_playbook(path: str) -> None:
    """Say whether a playbook can be used, or where it is wrong."""
    from pathlib import Path

    from api.alerts import service

    playbook, _text = service.read_playbook(Path(path))
    kinds, steps = len(playbook.kinds), len(playbook.steps)
    print(f"{path}: {playbook.name} {playbook.version}, {kinds} kinds, {steps} steps: can be used.")


def _check_content(content_dir: Path) -> None:
    """Say whether what people read can be used, or where it is wrong."""
    from api.safety_plans.service import load_content
    from api.safety_plans.service.decoys import read_decoys
    from api.safety_plans.service.screening import check_ways

    content = load_content(content_dir)
    check_ways(content_dir)
    read_decoys(content_dir)
    sections, items = len(content.sections), sum(len(section.items) for section in content.sections)
    print(f"{content_dir}: version {content.version}, {sections} sections, {items} items: can be used.")


def _check_pathway(path: str) -> None:
    """Say whether a pathway's content can be used, or which entry is wrong."""
    from api.pathways.service.content import read_content

    content = read_content(Path(path))
    print(f"{path}: version {content.version}, {len(content.steps)} steps: can be used.")


def _counters(settings: Settings, quarter: str) -> int:
    """Print the counters for policy of a quarter that is over."""
    from api.kernel.db import make_engine
    from api.pathways.service import counters

    engine = make_engine(settings.database_url, settings.server_key)
    return counters.run(engine, settings.content_dir, quarter, sys.stdout)


def _verify_chain(settings: Settings, anchor: str | None) -> int:
    """Find out whether any chained row was altered, added or removed."""
    from api.kernel.db import make_engine
    from api.launch import chain

    return chain.run(make_engine(settings.database_url, settings.server_key), anchor, sys.stdout)


def _reseal_vault(settings: Settings, environ: Mapping[str, str]) -> None:
    """Seal what PINs open under a changed server key; the former one is BAKEN_FORMER_SERVER_KEY."""
    from api.kernel.db import make_engine
    from api.launch import vault

    vault.run(make_engine(settings.database_url, settings.server_key), environ)


def _history(environ: Mapping[str, str], chosen: argparse.Namespace) -> int:
    """Carry everything about an order to another house, or take it in."""
    from api import migrations
    from api.kernel.db import make_engine
    from api.launch import history

    migrations.import_tables()
    if chosen.step not in history.WITH_HOUSE:
        return history.run(chosen, None)
    settings = Settings.from_env(environ)
    return history.run(chosen, make_engine(settings.database_url, settings.server_key))


def _add_history(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    history = commands.add_parser("history", help=_history.__doc__)
    steps = history.add_subparsers(dest="step", required=True, metavar="step")
    out = steps.add_parser("export", help="write everything about one order to a file")
    out.add_argument("order", help="the order's reference or id")
    out.add_argument("--reason", required=True, help="why it leaves the house; part of the audit trail")
    out.add_argument("--out", required=True, metavar="FILE", help="a new file, readable by its owner only")
    out.add_argument("--to", metavar="PUBLICKEY", help="seal it to this key, 64 hexadecimal digits")
    for name, what in (
        ("import", "take a history into this house, which must be empty"),
        ("check", "say whether a file is whole, or which line is at fault"),
        ("canonical", "print the digest by which two histories are the same"),
    ):
        step = steps.add_parser(name, help=what)
        step.add_argument("file", metavar="FILE")
        step.add_argument("--key", metavar="KEYFILE", help="opens a sealed file")
        if name == "import":
            step.add_argument("--dry-run", action="store_true", help="do everything and keep nothing")
    steps.add_parser("key", help="make a pair of keys").add_argument("file", metavar="FILE")
    steps.add_parser("schema", help="print the JSON schema of a line")


def _add_evidence(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    checked = commands.add_parser("verify", help=_verify.__doc__)
    checked.add_argument("pack", help="the zip file")
    checked.add_argument("--key", help="public key that it must be signed with, 64 hexadecimal digits")
    pack = commands.add_parser("pack", help=_pack.__doc__)
    pack.add_argument("alert", help="the alert's id")
    pack.add_argument("--variant", choices=("full", "defence"), required=True, help="for whom")
    pack.add_argument("--reason", required=True, help="why; it is kept in the audit trail")
    pack.add_argument("--out", required=True, help="the file to write; it must not be there yet")


def _pack(settings: Settings, chosen: argparse.Namespace) -> int:
    """Write the signed evidence pack of an alert to a new file."""
    from api.evidence.service import packing
    from api.geofence.service.limits import read_house_limits
    from api.kernel.db import make_engine

    engine = make_engine(settings.database_url, settings.server_key)
    house, out = read_house_limits(settings.limits_file), Path(chosen.out)
    given = (chosen.alert, chosen.variant, chosen.reason)
    return packing.run(engine, house, settings.server_key, *given, out, sys.stdout)


def _add_staff(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    add = commands.add_parser("add-staff", help="make an account of a member of staff")
    add.add_argument("login", help="the name to sign in with")
    add.add_argument("role", choices=STAFF_ROLES, help="what she may do")
    reset = commands.add_parser("reset-code", help="take the second factor of an account away")
    reset.add_argument("login", help="the name to sign in with")


def _staff(settings: Settings, chosen: argparse.Namespace) -> int:
    """Make an account, or take its second factor away."""
    from api.kernel.db import make_engine
    from api.launch import staff

    engine = make_engine(settings.database_url, settings.server_key)
    if chosen.command == "add-staff":
        return staff.add_staff(engine, chosen.login, chosen.role, sys.stdout)
    return staff.reset_code(engine, chosen.login, sys.stdout)


def _evidence_key(settings: Settings) -> None:
    """Print the public key that evidence packs of this house are checked with."""
    from api.evidence.service import packing

    packing.print_key(settings.server_key, sys.stdout)


ONCE: dict[str, Callable[[Settings], None]] = {
    "migrate": _migrate,
    "seed-demo": _seed_demo,
    "openapi": _openapi,
    "routes": _routes,
    "evidence-key": _evidence_key,
}
"""Commands that do one thing and end."""


def _run(chosen: argparse.Namespace) -> int:
    if chosen.command == "up":
        return _up(os.environ, is_demo=chosen.demo)
    if chosen.command == "setup":
        _setup(os.environ)
        return 0
    if chosen.command == "judge":
        return _judge()
    if chosen.command == "check-playbook":
        _check_playbook(chosen.file)
        return 0
    if chosen.command == "check-content":
        _check_content(Path(chosen.folder) if chosen.folder else content_dir_of(os.environ))
        return 0
    if chosen.command == "check-pathway":
        _check_pathway(chosen.file)
        return 0
    if chosen.command == "history":
        return _history(os.environ, chosen)
    if chosen.command == "verify":
        return _verify(chosen.pack, chosen.key)
    settings = Settings.from_env(os.environ)
    if chosen.command == "replay":
        return _replay(settings, chosen.alert, as_json=chosen.json)
    if chosen.command == "counters":
        return _counters(settings, chosen.quarter)
    if chosen.command == "verify-chain":
        return _verify_chain(settings, chosen.anchor)
    if chosen.command == "pack":
        return _pack(settings, chosen)
    if chosen.command == "reseal-vault":
        _reseal_vault(settings, os.environ)
        return 0
    if chosen.command in {"add-staff", "reset-code"}:
        return _staff(settings, chosen)
    if chosen.command in PROCESSES:
        setup_logging(chosen.command)
    (ONCE | PROCESSES)[chosen.command](settings)
    return 0


def main(arguments: list[str]) -> int:
    """Run one command; what is missing or wrong around us is one line, not a traceback."""
    parser = argparse.ArgumentParser(prog="python -m api", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("setup", help=_setup.__doc__)
    start = commands.add_parser("up", help=_up.__doc__)
    start.add_argument("--no-demo", dest="demo", action="store_false", help="without the looping stories")
    commands.add_parser("judge", help=_judge.__doc__)
    again = commands.add_parser("replay", help=_replay.__doc__)
    again.add_argument("alert", help="the alert's id")
    again.add_argument("--json", action="store_true", help="one JSON document instead of lines")
    check = commands.add_parser("check-playbook", help=_check_playbook.__doc__)
    check.add_argument("file", help="a playbook, YAML")
    texts = commands.add_parser("check-content", help=_check_content.__doc__)
    texts.add_argument("folder", nargs="?", help="of texts; without one, BAKEN_CONTENT")
    content = commands.add_parser("check-pathway", help=_check_pathway.__doc__)
    content.add_argument("file", help="a pathway's content, YAML")
    policy = commands.add_parser("counters", help=_counters.__doc__)
    policy.add_argument("quarter", help="such as 2026-Q3")
    verify = commands.add_parser("verify-chain", help=_verify_chain.__doc__)
    verify.add_argument("--anchor", metavar="NUMBER:LINK", help="a head of the chain that was noted earlier")
    commands.add_parser("reseal-vault", help=_reseal_vault.__doc__)
    _add_history(commands)
    _add_evidence(commands)
    _add_staff(commands)
    for name, run in (ONCE | PROCESSES).items():
        commands.add_parser(name, help=run.__doc__)
    try:
        return _run(parser.parse_args(arguments))
    except SettingError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
