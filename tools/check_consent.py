"""Check consent entries against signed daily roots, independently of SMS Receipt.

    python check_consent.py --key HEX --root ROOTS [--root ROOTS ...] FILE [FILE ...]

FILE is the output of `sms-receipt consent NUMBER --root ROOTS --json` (one customer), or that of
`sms-receipt export audit --format jsonl` (a whole month; several months may be named). ROOTS is a
file of signed roots, or a folder of them. HEX is the public key, 64 hex digits. Needs Python 3.11
and the package `cryptography`, and no part of SMS Receipt.

Exit status: 0 intact up to the last root, 1 different or not covered, 2 unusable input.
"""

import argparse
import datetime as dt
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Json = dict[str, Any]

FORMAT = "sms-receipt-consent-root-1"
CHINA = dt.timezone(dt.timedelta(hours=8))
ROOT_FIELDS = ("format", "day", "entries", "tree", "previous")
#: The fields of an entry in the order in which they are hashed; empty ones of OPTIONAL are not.
ALWAYS = ("at", "number", "door", "event", "before", "after")
OPTIONAL = (
    *("claim", "tariff", "shown", "heard", "clerk", "before_hash", "hash", "act"),
    # Of acts at a counter.
    *("shop", "identity", "agent", "serial"),
)


class InputError(Exception):
    """A file cannot be read as roots or as entries."""


class DifferenceError(Exception):
    """Entries are not those that the roots cover."""


def compact(value: Json) -> bytes:
    """JSON without spaces, in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def canonical(entry: Json, *, without_hash: bool = False) -> bytes:
    """The bytes of an entry that are hashed: fields in order, empty ones left out, UTC as Z."""
    if extra := set(entry).difference(ALWAYS, OPTIONAL):
        raise DifferenceError(f"differs: the entry of {entry['at']} has other fields: {extra}")
    kept = {name: entry[name] for name in ALWAYS}
    kept["at"] = kept["at"].replace("+00:00", "Z")
    skipped = {"hash"} if without_hash else set()
    kept |= {name: entry[name] for name in OPTIONAL if entry.get(name) and name not in skipped}
    return compact(kept)


def leaf_hash(entry: Json) -> bytes:
    """The hash of an entry as a leaf of its day's tree (RFC 9162)."""
    return hashlib.sha256(b"\x00" + canonical(entry)).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_hash(root: Json) -> str:
    """The hash of a day's root, which the next day names."""
    return hashlib.sha256(payload(root)).hexdigest()


def payload(root: Json) -> bytes:
    """The bytes that are signed."""
    return compact({name: root[name] for name in ROOT_FIELDS})


class Tree:
    """A Merkle tree that is filled leaf by leaf."""

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Append a leaf hash."""
        self.size += 1
        joins = self.size
        while joins % 2 == 0:
            leaf = node_hash(self._subtrees.pop(), leaf)
            joins //= 2
        self._subtrees.append(leaf)

    def root(self) -> str:
        """The root hash in hex."""
        if not self._subtrees:
            return hashlib.sha256().hexdigest()
        *others, root = self._subtrees
        for left in reversed(others):
            root = node_hash(left, root)
        return root.hex()


def root_from_path(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root that a leaf and the hashes beside its way to the root give."""
    if not 0 <= index < size or (size == 1) != (not path):
        raise DifferenceError("a proof does not fit the number of entries of its day")
    if size == 1:
        return leaf
    split = 1 << (size - 1).bit_length() - 1
    *below, sibling = path
    if index < split:
        return node_hash(root_from_path(leaf, index, split, below), sibling)
    return node_hash(sibling, root_from_path(leaf, index - split, size - split, below))


def read_roots(paths: list[Path], key: Ed25519PublicKey) -> list[Json]:
    """The signed roots in files and folders, oldest first; another key's root is refused."""
    files: list[Path] = []
    for path in paths:
        folder = [*path.glob("*.json"), *path.glob("*.jsonl")] if path.is_dir() else [path]
        files += sorted(folder)
    roots = [check_root(root, file, key) for file in files for root in root_values(file)]
    if not roots:
        raise InputError("no root to compare: --root names no signed root")
    by_day: dict[str, Json] = {}
    for root in roots:
        if root_hash(by_day.setdefault(root["day"], root)) != root_hash(root):
            raise DifferenceError(f"differs: two different roots of {root['day']} are signed")
    return [by_day[day] for day in sorted(by_day)]


def root_values(file: Path) -> Iterator[Any]:
    """The roots in a file: one, a list, one a line, or within the totals of an export."""
    text = file.read_text(encoding="utf-8")
    try:
        values = [json.loads(text)]
    except ValueError:
        values = [json.loads(line) for line in text.splitlines() if line.strip()]
    for value in values:
        listed = value.get("roots", value) if isinstance(value, dict) else value
        yield from listed if isinstance(listed, list) else [listed]


def check_root(root: Any, file: Path, key: Ed25519PublicKey) -> Json:  # noqa: ANN401 - any JSON
    """Return a root. Raises InputError unless it is one, and as the key signed it."""
    if not isinstance(root, dict) or root.get("format") != FORMAT:
        raise InputError(f"{file}: this is no signed root")
    try:
        key.verify(bytes.fromhex(root["signature"]), payload(root))
    except InvalidSignature:
        raise InputError(f"{file}: the root of {root['day']} is not signed by this key") from None
    if root["root"] != root_hash(root):
        raise InputError(f"{file}: the root of {root['day']} does not carry its own hash")
    return root


def check_export(files: list[Path], roots: list[Json]) -> Iterator[str]:
    """Compare whole months with their roots; yields a sentence for each thing found intact."""
    days = read_days(files)
    months = {day[:7] for day in days}
    kept = {root["day"]: root for root in roots if root["day"][:7] in months}
    if not kept:
        raise DifferenceError("no root to compare: the roots are of other months")
    first, last = min(days), max(kept)
    start = check_days({day: days[day] for day in sorted(days) if day <= last}, kept)
    if start > first:
        raise DifferenceError(
            f"differs, or not covered: no root given leads to the entries before {start}; "
            "give the roots of their days, or all exports from the first month on"
        )
    total = sum(tree.size for day, tree in days.items() if day <= last)
    yield f"intact against the root of {last}: {total} entries since {first}"
    if any(tree.size for day, tree in days.items() if day > last):
        yield f"not covered: the entries after {last}"
    for month in sorted({root["day"][:7] for root in roots} - months):
        yield f"not compared: the roots of {month}, of which no file has entries"


def check_days(days: dict[str, Tree], kept: dict[str, Json]) -> str:
    """Compare each day with its root, and follow the links between days, oldest first.

    Returns the first day covered: that of the first root, unless the days before lead to it.
    """
    start, previous = "", ""
    for day, tree in days.items():
        root = kept.get(day) or as_root(day, tree, previous)
        if (tree.size, tree.root()) != (root["entries"], root["tree"]):
            raise DifferenceError(
                f"differs: the entries of {day} ({tree.size}) are not those that its root covers "
                f"({root['entries']})"
            )
        if root["previous"] != previous and start:
            raise DifferenceError(f"differs: an entry between {start} and {day} was changed")
        if day in kept and not start:
            start = day if root["previous"] != previous else next(iter(days))
        previous = root_hash(root)
    return start


def read_days(files: list[Path]) -> dict[str, Tree]:
    """The tree of each day, from the first day of the files' first month to that of their last."""
    days: dict[str, Tree] = {}
    for file in files:
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                entry = json.loads(line)
                days.setdefault(day_of(entry), Tree()).add(leaf_hash(entry))
                check_own_hash(entry)
    if days:
        day, last_month = dt.date.fromisoformat(f"{min(days)[:7]}-01"), max(days)[:7]
        while f"{day}"[:7] <= last_month:
            days.setdefault(f"{day}", Tree())
            day += dt.timedelta(days=1)
    return days


def day_of(entry: Json) -> str:
    """The calendar day of an entry in China."""
    return f"{dt.datetime.fromisoformat(entry['at']).astimezone(CHINA).date()}"


def check_own_hash(entry: Json) -> None:
    """Raise DifferenceError unless an entry carries the hash of its contents."""
    own = hashlib.blake2b(canonical(entry, without_hash=True), digest_size=16).hexdigest()
    if own != entry["hash"]:
        raise DifferenceError(f"differs: the entry of {entry['at']} does not carry its own hash")


def as_root(day: str, tree: Tree, previous: str) -> Json:
    """The root of a day's tree."""
    values = (FORMAT, day, tree.size, tree.root(), previous)
    return dict(zip(ROOT_FIELDS, values, strict=True))


def check_bundle(bundle: Json, roots: list[Json]) -> Iterator[str]:
    """Check one customer's entries; yields a sentence for each thing found intact."""
    entries = bundle["entries"]
    check_chain(bundle, entries)
    evidence = bundle.get("root", {})
    days = proved_days(evidence.get("days", []), roots)
    proved = {proof["entry"] for proof in evidence.get("proofs", [])}
    for proof in evidence.get("proofs", []):
        check_proof(proof, entries, days)
    if not proved:
        raise DifferenceError("no root to compare: no entry of the bundle is proved by the roots")
    newer = [day_of(entry) for number, entry in enumerate(entries, 1) if number not in proved]
    if any(day <= max(days) for day in newer):
        raise DifferenceError("differs: an entry of a day that the roots cover has no proof")
    yield f"intact against the root of {max(days)}: {len(proved)} of {len(entries)} entries"
    if newer:
        yield f"not covered: entries since {newer[0]} ({len(newer)})"


def check_chain(bundle: Json, entries: list[Json]) -> None:
    """Raise DifferenceError unless the entries are one customer's and each names the last one."""
    for number, entry in enumerate(entries, 1):
        check_own_hash(entry)
        if entry["number"] != bundle["number"]:
            raise DifferenceError(f"differs: entry {number} is of another customer")
        if number > 1 and entry["before_hash"] != entries[number - 2]["hash"]:
            raise DifferenceError(f"differs: entry {number} does not follow the one before it")
    for name in ("offer", "reply"):
        if bundle.get(name) and bundle[name] not in entries:
            raise DifferenceError(f"differs: the {name} is none of the entries")


def proved_days(days: list[Json], roots: list[Json]) -> dict[str, Json]:
    """The roots of a bundle that lead to a signed root, by day: each names the one before it."""
    kept = {root["day"]: root for root in roots}
    proved: dict[str, Json] = {}
    following: Json | None = None
    for root in sorted(days, key=lambda each: each["day"], reverse=True):
        signed = kept.get(root["day"])
        if signed and root_hash(signed) != root_hash(root):
            raise DifferenceError(f"differs: the root of {root['day']} is not the signed one")
        if signed or (following and following["previous"] == root_hash(root)):
            proved[root["day"]] = following = root
        elif following:
            raise DifferenceError(f"differs: the root of {root['day']} is not the one signed over")
    return proved


def check_proof(proof: Json, entries: list[Json], days: dict[str, Json]) -> None:
    """Raise DifferenceError unless a proof leads from an entry to the root of its day."""
    number, day = proof["entry"], proof["day"]
    if not 1 <= number <= len(entries):
        raise DifferenceError(f"differs: there is no entry {number}")
    entry = entries[number - 1]
    if day != day_of(entry) or day not in days:
        raise DifferenceError(f"differs: no signed root covers {day}, the day of entry {number}")
    path = [bytes.fromhex(each) for each in proof["path"]]
    found = root_from_path(leaf_hash(entry), proof["index"], days[day]["entries"], path)
    if found.hex() != days[day]["tree"]:
        raise DifferenceError(f"differs: entry {number} is not one that the root of {day} covers")


def check(files: list[Path], roots: list[Json]) -> Iterator[str]:
    """Check a customer's bundle or exports of whole months."""
    if len(files) == 1 and (bundle := read_bundle(files[0])):
        return check_bundle(bundle, roots)
    return check_export(files, roots)


def read_bundle(file: Path) -> Json | None:
    """A customer's bundle; None for an export, of which each line is an entry."""
    with file.open(encoding="utf-8") as lines:
        first = lines.readline()
        try:
            value = json.loads(first)
        except ValueError:
            value = json.loads(first + lines.read()) if first else None
    return value if isinstance(value, dict) and "entries" in value else None


def main() -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--key", required=True, help="the public key, 64 hex digits")
    parser.add_argument("--root", required=True, action="append", type=Path, help="kept roots")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    given = parser.parse_args()
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(given.key))
        for sentence in check(given.files, read_roots(given.root, key)):
            print(sentence)
    except DifferenceError as error:
        print(error)
        return 1
    except (InputError, OSError) as error:
        print(f"check_consent: {error}", file=sys.stderr)
        return 2
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        print(f"check_consent: a key or file is malformed: {error!r}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
