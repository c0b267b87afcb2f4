"""No byte of a pack can change without being told, and the first altered record is named."""

import io
import os
import subprocess
import sys
import tracemalloc
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from api.evidence.model.pack import FORMAT, MANIFEST, SIGNATURE, Manifest, Result
from api.evidence.rules import archive
from api.evidence.rules.manifest import fingerprint
from api.evidence.rules.readme import readme
from api.evidence.rules.verifying import MOST_BYTES, verify
from api.evidence.service.checking import run
from tests.evidence.made import material
from tests.evidence.packs import FILES, KEY, LINES, PUBLIC, contents, flipped, make, packed_again
from tests.project.sources import ROOT

PACK = make()


def resigned(manifest: Manifest | dict[str, Any], files: dict[str, bytes]) -> bytes:
    """A pack whose manifest is what somebody else claims, properly signed."""
    line = msgspec.json.encode(manifest) + b"\n"
    return packed_again({SIGNATURE: KEY.sign(line).signature, MANIFEST: line} | files)


def manifest_of(pack: bytes) -> dict[str, Any]:
    said: dict[str, Any] = msgspec.json.decode(contents(pack)[MANIFEST])
    return said


def test_a_pack_as_it_was_made_is_genuine_and_any_zip_program_opens_it() -> None:
    verdict = verify(PACK, PUBLIC)
    assert (verdict.result, verdict.sentence) == (Result.GENUINE, "Every byte is as it was signed.")
    assert contents(PACK) == FILES | {name: contents(PACK)[name] for name in (SIGNATURE, MANIFEST)}
    with zipfile.ZipFile(io.BytesIO(PACK)) as opened:
        assert opened.testzip() is None
    assert verify(PACK).result is Result.GENUINE


def test_the_same_inputs_give_the_same_bytes() -> None:
    assert make() == PACK
    assert make(dict(FILES), SigningKey(bytes(KEY))) == PACK


def test_every_single_byte_that_is_flipped_is_told() -> None:
    assert [at for at in range(len(PACK)) if verify(flipped(PACK, at)).result is not Result.ALTERED] == []


@given(st.integers(0, len(PACK) - 1), st.integers(1, 255), st.sampled_from([None, PUBLIC]))
def test_no_flip_of_any_bits_of_a_byte_is_genuine(at: int, bits: int, key: str | None) -> None:
    assert verify(flipped(PACK, at, bits), key).result is Result.ALTERED


@given(st.integers(0, len(PACK) - 1))
def test_no_truncated_pack_is_genuine(size: int) -> None:
    assert verify(PACK[:size]).result is not Result.GENUINE


@given(st.integers(0, len(PACK)), st.binary(min_size=1, max_size=60))
def test_nothing_can_be_put_in_between(at: int, more: bytes) -> None:
    assert verify(PACK[:at] + more + PACK[at:]).result is not Result.GENUINE


@given(st.binary(max_size=400))
def test_anything_else_is_no_pack_and_nothing_breaks(data: bytes) -> None:
    assert verify(data).result is Result.NO_PACK


@pytest.mark.parametrize("number", [1, 12, 40])
def test_an_edited_line_is_named_with_its_number_and_bytes_even_if_packed_again(number: int) -> None:
    lines = [f"{line}\n" for line in LINES]
    begin = sum(len(line) for line in lines[: number - 1])
    lines[number - 1] = lines[number - 1].replace("text", "tuxt")
    files = contents(PACK) | {"messages.jsonl": "".join(lines).encode()}
    verdict = verify(packed_again(files), PUBLIC)
    assert verdict.result is Result.ALTERED
    end = begin + len(lines[number - 1]) - 1
    assert verdict.sentence == f"messages.jsonl: record {number} (bytes {begin:,}-{end:,}) was altered."


def test_the_first_altered_record_of_several_is_named() -> None:
    spoilt = contents(PACK)
    spoilt["messages.jsonl"] = spoilt["messages.jsonl"].replace(b'"n": 2', b'"n": 3').replace(b"39", b"38")
    spoilt["state.json"] = b"{}\n"
    assert "messages.jsonl: record 3 " in verify(packed_again(spoilt)).sentence


def test_in_other_files_the_block_is_named() -> None:
    readme = FILES["README.txt"]
    spoilt = contents(PACK) | {"README.txt": flipped(readme, 5000)}
    assert verify(packed_again(spoilt)).sentence == "README.txt: record 2 (bytes 4,096-5,599) was altered."


def test_lines_added_and_lines_left_out_are_named() -> None:
    whole = contents(PACK)
    longer = whole | {"messages.jsonl": whole["messages.jsonl"] + b"{}\n"}
    size = len(FILES["messages.jsonl"])
    more = f"messages.jsonl: record 41 (bytes {size:,}-{size + 2:,}) was added."
    assert verify(packed_again(longer)).sentence == more
    shorter = whole | {"messages.jsonl": b"".join(whole["messages.jsonl"].splitlines(keepends=True)[:-1])}
    assert "record 40 (from byte" in verify(packed_again(shorter)).sentence
    assert "is missing" in verify(packed_again(shorter)).sentence
    assert "record 1 (bytes 0-2) was added" in verify(packed_again(whole | {"empty.jsonl": b"{}\n"})).sentence


def packed_at(name: str) -> tuple[int, int]:
    """Where a file's compressed bytes begin, and how many they are."""
    with zipfile.ZipFile(io.BytesIO(PACK)) as opened:
        info = opened.getinfo(name)
    return info.header_offset + 30 + len(name), info.compress_size


def test_damage_of_compressed_bytes_names_the_record() -> None:
    begin, packed = packed_at("messages.jsonl")
    told = {verify(flipped(PACK, at, 255)).sentence for at in range(begin, begin + packed)}
    named = {sentence for sentence in told if sentence.startswith("messages.jsonl: record ")}
    assert len(named) > 10
    rest = told - named
    assert all(one.startswith("The archive was altered at messages.jsonl") for one in rest), rest


def test_a_pack_cut_off_names_the_record_that_it_ends_in() -> None:
    begin, packed = packed_at("messages.jsonl")
    assert verify(PACK[: begin + packed // 2]).sentence.startswith("messages.jsonl: record ")


def test_missing_added_renamed_and_doubled_files_are_named() -> None:
    whole = contents(PACK)
    missing = {name: content for name, content in whole.items() if name != "state.json"}
    assert verify(packed_again(missing)).sentence == "state.json is missing or was renamed."
    renamed = missing | {"stata.json": whole["state.json"]}
    assert verify(packed_again(renamed)).sentence == "state.json is missing or was renamed."
    added = whole | {"photo.jpg\n": b"x"}
    assert (
        verify(packed_again(added)).sentence
        == r"'photo.jpg\n' was added, or is another file under this name."
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        twice = packed_again([*whole.items(), ("state.json", whole["state.json"])])
    assert verify(twice).sentence == "state.json is in the archive twice."


def test_a_pack_that_was_only_packed_again_is_told_to_have_whole_contents() -> None:
    verdict = verify(packed_again(contents(PACK)))
    assert verdict.result is Result.ALTERED
    assert "contents are whole" in verdict.sentence
    assert "contents are whole" in verify(PACK + b"\0").sentence


def test_another_key_is_told_with_its_fingerprint() -> None:
    theirs = make(key=SigningKey(bytes(32)))
    verdict = verify(theirs, PUBLIC)
    assert verdict.result is Result.ALTERED
    inside = bytes(SigningKey(bytes(32)).verify_key).hex()
    assert f"fingerprint is {fingerprint(inside)}" in verdict.sentence
    assert verify(theirs).result is Result.GENUINE


def test_a_manifest_whose_signature_does_not_hold_proves_nothing() -> None:
    whole = contents(PACK)
    changed = whole | {MANIFEST: whole[MANIFEST].replace(b"hearing", b"nothing")}
    verdict = verify(packed_again(changed))
    assert verdict.result is Result.ALTERED
    assert "manifest.json was altered" in verdict.sentence
    at = PACK.index(MANIFEST.encode()) - 40
    assert verify(flipped(PACK, at)).sentence.startswith("manifest.sig was altered")
    assert verdict.manifest is None


def test_a_later_form_is_no_pack_of_ours() -> None:
    later = manifest_of(PACK) | {"format": FORMAT.replace("1", "2")}
    verdict = verify(resigned(later, FILES))
    assert verdict.result is Result.NO_PACK
    assert "baken-evidence-pack/2" in verdict.sentence


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "../evil.txt"},
        {"name": "é.txt"},
        {"size": 2**40},
        {"size": -1},
        {"packed_size": 2**33},
        {"crc32": -1},
        {"crc32": 2**32},
        {"sha256": "x"},
    ],
)
def test_a_manifest_that_claims_what_no_pack_has_is_not_followed(wrong: dict[str, Any]) -> None:
    said = manifest_of(PACK)
    said["files"][0] |= wrong
    assert verify(resigned(said, FILES)).result is Result.ALTERED
    assert (
        verify(resigned(manifest_of(PACK) | {"files": said["files"][1:] * 20}, FILES)).result
        is Result.ALTERED
    )
    assert verify(resigned(manifest_of(PACK) | {"public_key": "x"}, FILES)).result is Result.ALTERED


def test_a_manifest_that_contradicts_itself_is_told() -> None:
    said = manifest_of(PACK)
    said["files"][0]["sha256"] = "0" * 64
    assert "not what its own manifest says" in verify(resigned(said, FILES)).sentence


def test_a_file_that_unpacks_to_gigabytes_is_not_unpacked() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(512)) + packer.flush()
    at, _packed = packed_at("README.txt")
    tracemalloc.start()
    verdict = verify(PACK[:at] + bomb + PACK[at:])
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert verdict.result is Result.ALTERED
    assert most < 16_000_000


def test_methods_of_packing_that_are_not_ours_are_not_tried() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_BZIP2) as opened:
        for name, content in contents(PACK).items():
            opened.writestr(name, content, None if name in FILES else zipfile.ZIP_STORED)
    told = verify(buffer.getvalue()).sentence
    assert told == "README.txt: record 1 (from byte 0 on) cannot be unpacked."
    assert archive.unpack(b"x", 99, 10) == (b"", False)


def test_what_stands_before_damage_is_never_more_than_was_asked_for() -> None:
    packed = archive.deflate(bytes(100_000))
    assert len(archive._before_damage(packed, 10)) == 10


def check(pack: bytes, tmp_path: Path, key: str | None = None) -> tuple[int, str]:
    path, out = tmp_path / "pack.zip", io.StringIO()
    path.write_bytes(pack)
    return run(path, key, out), out.getvalue()


def test_the_command_says_what_was_signed_by_whom_and_when(tmp_path: Path) -> None:
    status, said = check(PACK, tmp_path, PUBLIC.upper())
    assert status == 0
    assert said.splitlines() == [
        "genuine: Every byte is as it was signed.",
        "alert 00000000-0000-0000-0000-000000000007, variant full",
        "made 2026-11-23T12:00:00+00:00 by account 00000000-0000-0000-0000-000000000009",
        "rules 2026-11-2; 4 files",
        f"signed with the key {PUBLIC}",
        f"fingerprint {fingerprint(PUBLIC)}",
    ]
    status, said = check(PACK, tmp_path)
    assert status == 0
    assert "not who that was" in said


def test_the_command_ends_with_one_for_what_is_altered_and_two_for_what_is_no_pack(tmp_path: Path) -> None:
    status, said = check(flipped(PACK, len(PACK) - 1), tmp_path)
    assert status == 1
    assert said.startswith("NOT genuine: The archive's directory was altered (byte ")
    assert check(b"hello", tmp_path) == (2, "This is no evidence pack: it holds no signed manifest.\n")
    assert check(PACK, tmp_path, "beef")[0] == 2
    assert check(bytes(MOST_BYTES + 1), tmp_path)[0] == 2
    out = io.StringIO()
    assert run(tmp_path / "nothing.zip", None, out) == 2
    assert "cannot be read: No such file" in out.getvalue()


@pytest.mark.parametrize(("pack", "status"), [(PACK, 0), (flipped(PACK, len(PACK) - 1), 1)])
def test_a_reader_who_leaves_early_changes_nothing_of_the_verdict(
    tmp_path: Path, pack: bytes, status: int
) -> None:
    (tmp_path / "pack.zip").write_bytes(pack)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "api", "verify", str(tmp_path / "pack.zip")],
        cwd=ROOT, env={"PATH": ""}, stdout=writing, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (status, "")


def test_the_signature_can_be_checked_by_hand_as_the_pack_says(tmp_path: Path) -> None:
    for name, content in contents(PACK).items():
        (tmp_path / name).write_bytes(content)
    said = readme(material(), "test").splitlines()
    commands = [line.strip().replace('100KEY"', f'100{PUBLIC}"') for line in said if "openssl pk" in line]
    done = subprocess.run(
        ["/bin/sh", "-ec", "\n".join(commands)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (len(commands), done.returncode, done.stderr) == (2, 0, "")
    assert "Signature Verified Successfully" in done.stdout
    (tmp_path / "manifest.json").write_bytes(contents(PACK)["manifest.json"] + b" ")
    again = subprocess.run(["/bin/sh", "-c", commands[1]], cwd=tmp_path, capture_output=True, check=False)
    assert again.returncode != 0


def test_where_the_program_comes_from_is_said() -> None:
    assert "from the source tree of Baken with its requirements installed" in readme(material(), "test")


def test_the_command_needs_no_settings_and_no_database(tmp_path: Path) -> None:
    (tmp_path / "pack.zip").write_bytes(PACK)
    done = subprocess.run(
        [sys.executable, "-m", "api", "verify", str(tmp_path / "pack.zip"), "--key", PUBLIC],
        cwd=ROOT, env={"PATH": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("genuine")
