#!/usr/bin/env python3
"""Checks an export of the audit log from what docs/formats/ says, and from nothing else of mbx.

    audit.py FILE [CHECKPOINT]    FILE is an export in one file; CHECKPOINT a signed note kept outside

Prints the findings, one a line; ends with 0 where there are none. Reads every entry field by field and
compares it with its words. Needs the package `cryptography`. Pages: audit-export.md, audit-entry.md.
"""

import base64
import csv
import io
import json
import sys
import tarfile
from datetime import datetime, timedelta, timezone
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

sys.dont_write_bytecode = True  # leave the tree as it was

ORDER = [
    "manifest.json", "README.txt", "keys.txt", "checkpoint.txt", "proof.json",
    "checkpoints.jsonl", "events.csv", "entries.jsonl", "entries.csv",
]  # fmt: skip


# -- the tree: RFC 6962


def leaf_hash(entry):
    return sha256(b"\0" + entry).digest()


def node_hash(left, right):
    return sha256(b"\1" + left + right).digest()


def split(count):
    k = 1
    while 2 * k < count:
        k *= 2
    return k


class Tree:
    """Full subtrees as (leaves, root), the largest first."""

    def __init__(self, size, frontier):
        places = [1 << bit for bit in range(63, -1, -1) if size >> bit & 1]
        assert len(places) == len(frontier), "one root per bit of the size"
        self.size, self.parts = size, list(zip(places, frontier))

    def push(self, leaf):
        self.parts.append((1, leaf))
        self.size += 1
        while len(self.parts) > 1 and self.parts[-1][0] == self.parts[-2][0]:
            (count, right), (_, left) = self.parts.pop(), self.parts.pop()
            self.parts.append((2 * count, node_hash(left, right)))

    def root(self):
        if not self.parts:
            return sha256(b"").digest()
        root = self.parts[-1][1]
        for _, left in reversed(self.parts[:-1]):
            root = node_hash(left, root)
        return root

    def root_at(self, size, suffix):
        if size == self.size and not suffix:
            return self.root()
        mine, rest = iter([root for _, root in self.parts]), iter(suffix)

        def node(first, until):
            if until <= self.size:
                return next(mine)
            if first >= self.size:
                return next(rest)
            middle = first + split(until - first)
            left = node(first, middle)
            return node_hash(left, node(middle, until))

        root = node(0, size)
        assert next(rest, None) is None, "no hash to spare"
        return root


# -- signed notes: C2SP signed-note, tlog-checkpoint


def key_of(text):
    name, key_id, encoded = text.split("+", 2)
    typed = base64.b64decode(encoded, validate=True)
    if typed[0] == 1:
        expected = sha256(name.encode() + b"\n" + typed).digest()[:4]
        key = Ed25519PublicKey.from_public_bytes(typed[1:])
        check = lambda signature, text: key.verify(signature, text)  # noqa: E731
    else:
        assert typed[0] == 2
        expected = sha256(typed[1:]).digest()[:4]
        key = load_der_public_key(typed[1:])
        check = lambda signature, text: key.verify(signature, text, ec.ECDSA(hashes.SHA256()))  # noqa: E731
    assert expected.hex() == key_id
    return name, expected, check


def checkpoint_of(note, keys):
    text, lines = note[:-1].rsplit("\n\n", 1)
    text += "\n"
    signed = False
    for line in lines.split("\n"):
        dash, name, encoded = line.split(" ")
        raw = base64.b64decode(encoded, validate=True)
        assert dash == "\u2014"
        for known, key_id, check in keys:
            if (known, key_id) == (name, raw[:4]):
                check(raw[4:], text.encode())
                signed = True
    if not signed:
        raise InvalidSignature
    origin, size, root = text.split("\n")[:3]
    return origin, int(size), base64.b64decode(root)


# -- entries: audit-entry.md


class Bytes:
    def __init__(self, data):
        self.data = data

    def take(self, count):
        head, self.data = self.data[:count], self.data[count:]
        assert len(head) == count, "cut"
        return head

    def number(self, count):
        return int.from_bytes(self.take(count), "big")

    def text(self):
        return self.take(self.number(2)).decode()


def moment(ms):
    at = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=ms)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


def named(prefix):
    return lambda data: f"{prefix}_{data.take(16).hex()}"


def actor(data):
    kinds = {
        1: ("daemon", lambda data: "daemon"),
        2: ("operator", named("opr")),
        3: ("local", lambda data: f"uid {data.number(4)}"),
        4: ("authority", lambda data: data.take(12).decode()),
        5: ("unknown", lambda data: "unknown"),
        6: ("portal", lambda data: "portal " + data.text()),
        7: ("person", named("psn")),
    }
    kind, read = kinds[data.number(1)]
    return {"kind": kind, "value": read(data)}


def peer(data):
    if data.number(1) == 1:
        found, flags = {"uid": data.number(4)}, data.number(1)
        if flags & 1:
            found["pid"] = data.number(4)
        if flags & 2:
            found["tty"] = data.text()
        return found
    if data.number(1) == 4:
        found = {"address": ".".join(str(byte) for byte in data.take(4))}
    else:
        import ipaddress

        found = {"address": str(ipaddress.IPv6Address(data.take(16)))}
    if data.number(1):
        found["certificate"] = data.take(32).hex()
    return found


SUBJECTS = {1: "mbx", 2: "msg", 3: "dlv", 4: "opr", 5: "ses", 6: "job", 7: "key", 8: "psn"}


def subject(data):
    tag = data.number(1)
    return data.take(12).decode() if tag == 9 else named(SUBJECTS[tag])(data)


def fact(data):
    digest = lambda data: data.take(32).hex()  # noqa: E731
    number = lambda count: lambda data: str(data.number(count))  # noqa: E731
    kinds = {
        1: ("content-root", digest),
        2: ("commitment", digest),
        3: ("digest", digest),
        4: ("class", number(1)),
        5: ("loa", number(1)),
        6: ("count", number(8)),
        7: ("bytes", number(8)),
        8: ("code", number(2)),
        9: ("moment", lambda data: moment(data.number(8))),
        10: ("tree-size", number(8)),
        11: ("tree-root", digest),
    }
    kind, read = kinds[data.number(1)]
    return {"kind": kind, "value": read(data)}


OUTCOMES = {1: "asked", 2: "done", 3: "refused", 4: "failed"}
ROLES = [None, "observer", "registrar", "system-operator", "security-officer", "auditor", "timer"]


def entry(leaf):
    data = Bytes(leaf)
    assert data.number(1) == 1, "version"
    words = {
        "time": moment(data.number(8)),
        "event": f"MBX-A{data.number(2):03d}",
        "outcome": OUTCOMES[data.number(1)],
    }
    present = data.number(1)
    words["actor"] = actor(data)
    optional = [
        ("role", lambda data: ROLES[data.number(1)]),
        ("session", named("ses")),
        ("peer", peer),
        ("request", named("req")),
        ("reason", Bytes.text),
        ("ticket", Bytes.text),
        ("plan", lambda data: data.take(32).hex()),
    ]
    for bit, (name, read) in enumerate(optional):
        if present >> bit & 1:
            words[name] = read(data)
    words["subjects"] = [subject(data) for _ in range(data.number(2))]
    words["facts"] = [fact(data) for _ in range(data.number(2))]
    assert not data.data, "bytes after the end"
    return words


# -- the export: audit-export.md


def check(path, anchor):
    findings = []
    files = {}
    with tarfile.open(path, "r:") as tar:
        for member in tar:
            files[member.name] = tar.extractfile(member).read()
    assert list(files) == ORDER, "files in their order"
    manifest, proof = json.loads(files["manifest.json"]), json.loads(files["proof.json"])
    assert manifest["schema"] == "mbx-audit-export/1"
    for info in manifest["files"]:
        content = files[info["name"]]
        if len(content) != info["len"] or sha256(content).hexdigest() != info["sha256"]:
            findings.append(f"{info['name']} is not the file of the manifest")
    keys = [key_of(line) for line in files["keys.txt"].decode().splitlines()]

    def believed(note):
        origin, size, root = checkpoint_of(note, keys)
        assert origin == manifest["origin"], "another log"
        return size, root

    roots = {}
    for line in files["checkpoints.jsonl"].decode().splitlines():
        line = json.loads(line)
        try:
            size, root = believed(line["note"])
            assert size == line["size"]
            roots[size] = root
        except (AssertionError, InvalidSignature):
            findings.append(f"the checkpoint at {line['size']} does not hold")
    covering = believed(files["checkpoint.txt"].decode())
    outside = believed(open(anchor, encoding="utf-8").read()) if anchor else None

    tree = Tree(proof["first"], [bytes.fromhex(text) for text in proof["frontier"]])
    rows = list(csv.reader(io.StringIO(files["entries.csv"].decode(), newline="")))
    lines = files["entries.jsonl"].decode().splitlines()
    times = []
    for number, line in enumerate(lines):
        line = json.loads(line)
        leaf = base64.b64decode(line["leaf"], validate=True)
        position = proof["first"] + number
        words = entry(leaf)
        times.append(words["time"])
        if line["position"] != position:
            findings.append(f"entry {line['position']} stands at the place of {position}")
        row = rows[number + 1]
        fits = row[0] == str(position) and row[1] == words["time"] and row[14] == line["hash"]
        if leaf_hash(leaf).hex() != line["hash"] or words != line["entry"] or not fits:
            findings.append(f"entry {position} was altered")
        tree.push(leaf_hash(leaf))
        for size, root in [(tree.size, roots.get(tree.size)), outside or (None, None)]:
            if size == tree.size and root is not None and root != tree.root():
                findings.append(f"another root than the checkpoint at {size}")
    if (proof["until"], len(rows)) != (tree.size, len(lines) + 1):
        findings.append(f"entries from {tree.size} on are missing")
    suffix = [bytes.fromhex(text) for text in proof["suffix"]]
    if tree.size != proof["until"] or tree.root_at(covering[0], suffix) != covering[1]:
        findings.append(f"another root than the covering checkpoint at {covering[0]}")
    if proof["first"] > 0 and times[0] >= manifest["period"]["from"]:
        findings.append("the beginning of the period is left out")
    if covering[0] > tree.size and times[-1] < manifest["period"]["until"]:
        findings.append("the end of the period is left out")
    if outside and outside[0] > tree.size and times[-1] < manifest["period"]["until"]:
        findings.append(f"the end is cut: the log had {outside[0]} entries")
    return findings, tree


if __name__ == "__main__":
    found, log = check(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
    for finding in found:
        print(finding)
    if not found:
        print(f"{log.size} {log.root().hex()}")
    sys.exit(1 if found else 0)
