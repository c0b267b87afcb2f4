"""`README.txt` of a pack: what each file is, how to check it, what it proves and what it does not."""

from api.evidence.model.material import Material

_HEAD = """EVIDENCE PACK

Of one alert of a system that watches the distance that a court has ordered. A judge reads
report.pdf; everything else is there so that an expert can check it without asking anybody.

THE FILES
report.pdf        the alert in plain words, a map, the distance over time, every act in its order
incident.geojson  positions with their accuracy, zones, places of events; opens in any map program
log.jsonl         every event, message, attempt, receipt, deadline, call and act, oldest first
messages.jsonl    what the devices sent, byte for byte as it was received; of sealed messages also the text
state.json        the order, zones, limits, devices, agreed exceptions and sightings as they were
replay.json       the alert computed again from the stored messages, and what came out differently
{people}manifest.json     length and hash of each file and of each record in it
manifest.sig      the signature of manifest.json (Ed25519, 64 bytes)

Times are UTC. fixed_at is the device's clock, received_at ours on arrival, judged_at ours at the
decision. Places are WGS-84 degrees; accuracy_m is the radius that holds 68 of 100 such positions by
the device's own word.
"""
_PEOPLE = """people.json       the names of the two; everything else uses references
"""
_CHECK = """
HOW TO CHECK IT
KEY is the public key of the house that made the pack, 64 hexadecimal digits. Ask that house for it
by another way than the one by which the pack came: on paper, by telephone.
With the program, from the source tree of Baken with its requirements installed (the house that made
the pack names where to get it); it needs no database and no network:
    python -m api verify PACK.zip --key KEY
    The first line begins with "genuine", or with "NOT genuine" and the first record that was
    altered, or says that this is no evidence pack. Anything else, as a module that is not found, is
    a word of the computer about itself and none about the pack.
By hand, with OpenSSL 3 and no program of ours, in the folder of the unpacked files:
    perl -e 'print pack "H*", "302a300506032b6570032100KEY"' | openssl pkey -pubin -inform DER -out KEY.pem
    openssl pkeyutl -verify -pubin -inkey KEY.pem -rawin -in manifest.json -sigfile manifest.sig
    then compare sha256sum of each file with manifest.json.
Records: of a .jsonl file each hash is SHA-256 of the hash before it (32 bytes; nothing before the
    first line) and the line with its end; of other files SHA-256 of each block of 4096 bytes.

WHAT IT PROVES
- That not one byte of it was changed, added or left out since it was signed.
- That the house that holds the key made it, at the time and for the account that manifest.json
  names.
- By replay.json: whether the stored messages, order, zones and limits lead to the very events that
  were told.

WHAT IT DOES NOT PROVE
- That the devices told the truth. A receiver can be wrong by more than it says, and can be
  deceived. Doubts that the rules had are part of each event and stand in the report.
- Who carried a device. The register says to whom it was given.
- That nothing was altered in the house's database before the pack was made, in a way that agrees
  with itself.
- That anybody read a message. A receipt says that a device or a receiving system took it.
"""
_REDUCED = """
THIS PACK IS REDUCED
It is the variant for the defence. Left out of every such pack, whether or not there was any: names;
addresses; where the protected person was, except the positions that an event of this alert rests
on; messages of her device, to her and to the police; how her device was; zones of which the wearer
was not told, with whatever rests on them; words of staff, and what the system did by itself,
deadlines and calls among it; events about a silence of his device, since how soon one is missed
depends on how near she was (his silences can be seen in messages.jsonl). Lines and versions are
numbered by what is in this pack. How far apart the two were is told at the events that tell where
both were and not in between, and in state.json and in the report's table by the distances of the
order: at the alert distance or less, up to the warning distance, or beyond. The court can ask
for the full pack of the same alert and compare: both are signed with the same key.
"""


def readme(material: Material, version: str) -> str:
    """Return the text; `version` names the program that made the pack."""
    text = _HEAD.format(people=_PEOPLE if material.people else "") + _CHECK
    if material.is_reduced:
        text += _REDUCED
    return text + f"\nMade by {version}.\n"
