#!/usr/bin/env python3
"""Checks a log of Countersign from its files: no server, no secret, nothing of Countersign's own code.

It follows docs/reference/record-format.md, and needs Python 3.9 or newer and the package `cryptography` (for Ed25519).

    python3 countersign_verify.py LOGDIR --key log.pub [--against CHECKPOINT]... [--json]

Exit status 0 where everything holds, 1 where something does not, 2 where it could not be checked.
"""

import argparse
import base64
import hashlib
import json
import os
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

WIDTH = 256
ENTRY = 112
MAGIC = b"CSR2"
BATCH = b"CSJ2"


class Wrong(Exception):
    """The first thing that does not hold."""

    def __init__(self, record, file, why):
        super().__init__(f"record {record} (`{file}`): {why}")
        self.record, self.file, self.why = record, file, why


def sha256(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


def leaf_hash(entry):
    return sha256(b"\x00", entry)


def node_hash(left, right):
    return sha256(b"\x01", left, right)


class LogKey:
    """A log's public key: `origin+keyid+base64(0x01 ‖ Ed25519 key)` (C2SP signed-note)."""

    def __init__(self, text):
        self.origin, key_id, key = text.strip().split("+", 2)
        raw = base64.b64decode(key, validate=True)
        if len(raw) != 33 or raw[0] != 1:
            raise ValueError("not an Ed25519 key")
        self.id = sha256(self.origin.encode(), b"\n", raw)[:4]
        if self.id.hex() != key_id:
            raise ValueError("the key's id does not fit the key")
        self.key = Ed25519PublicKey.from_public_bytes(raw[1:])

    def open(self, note, file):
        """The size and root that a signed checkpoint says (C2SP tlog-checkpoint)."""

        def wrong(why):
            return Wrong(0, file, why)

        try:
            text, signatures = note.decode().split("\n\n", 1)
        except (UnicodeDecodeError, ValueError):
            raise wrong("not a signed note") from None
        text += "\n"
        signed = False
        if not signatures.endswith("\n"):
            raise wrong("not a signed note")
        for line in signatures[:-1].split("\n"):
            parts = line.split(" ")
            if len(parts) != 3 or parts[0] != "\u2014":
                raise wrong("not a signed note")
            try:
                raw = base64.b64decode(parts[2], validate=True)
            except ValueError:
                raise wrong("not a signed note") from None
            if base64.b64encode(raw).decode() != parts[2]:
                raise wrong("not a signed note")
            if parts[1] != self.origin or raw[:4] != self.id:
                continue
            try:
                self.key.verify(raw[4:], text.encode())
            except InvalidSignature:
                raise wrong("the signature does not fit the checkpoint") from None
            signed = True
        if not signed:
            raise wrong("no signature by this log's key")
        lines = text.split("\n")
        if lines[0] != self.origin or not lines[1].isdigit() or str(int(lines[1])) != lines[1]:
            raise wrong("not a checkpoint of this log")
        root = base64.b64decode(lines[2], validate=True)
        if len(root) != 32:
            raise wrong("not a checkpoint of this log")
        return int(lines[1]), root


class Tree:
    """The right edge of a Merkle tree (RFC 6962), one list of hashes for each level of tiles."""

    def __init__(self):
        self.size, self.levels = 0, []

    def copy(self):
        other = Tree()
        other.size, other.levels = self.size, [list(level) for level in self.levels]
        return other

    def push(self, leaf):
        """Adds a leaf; gives the tiles that became complete, as (level, number, hashes)."""
        self.size += 1
        complete, level, carried = [], 0, leaf
        while True:
            if len(self.levels) <= level:
                self.levels.append([])
            hashes = self.levels[level]
            hashes.append(carried)
            if len(hashes) < WIDTH:
                return complete
            number = (self.size >> (8 * (level + 1))) - 1
            complete.append((level, number, list(hashes)))
            carried = over(hashes)
            hashes.clear()
            level += 1

    def partial(self):
        """The tiles that are not complete."""
        return [(level, self.size >> (8 * (level + 1)), hashes) for level, hashes in enumerate(self.levels) if hashes]

    def root(self):
        carried = None
        for hashes in self.levels:
            nodes = hashes + ([carried] if carried else [])
            if nodes:
                carried = over(nodes)
        return carried if carried else sha256()


def over(nodes):
    """The hash over nodes, the last of which may stand for fewer leaves."""
    while len(nodes) > 1:
        paired = [node_hash(nodes[at], nodes[at + 1]) for at in range(0, len(nodes) - 1, 2)]
        if len(nodes) % 2:
            paired.append(nodes[-1])
        nodes = paired
    return nodes[0]


def numbered(number, width):
    """`1234067` is `x001/x234/067`; what is not complete ends with `.p/` and its width (C2SP tlog-tiles)."""
    name = f"{number % 1000:03}"
    while number >= 1000:
        number //= 1000
        name = f"x{number % 1000:03}/{name}"
    return name if width == WIDTH else f"{name}.p/{width}"


class Entry:
    """What stands in the tree for one record."""

    def __init__(self, raw):
        number = lambda start, end: int.from_bytes(raw[start:end], "big")
        self.raw, self.valid = raw, len(raw) == ENTRY and raw[:4] == MAGIC
        self.seq, self.at_ms, self.key = number(4, 12), number(12, 20), number(20, 28)
        self.kek, self.length = number(28, 32), number(32, 36)
        self.nonce, self.ciphertext, self.commitment = raw[36:48], raw[48:80], raw[80:112]

    def is_payload(self, payload):
        return len(payload) == self.length and sha256(payload) == self.ciphertext


def check_bundle(first, width, entries_file, entries, payload_file, payloads, tile_file, tile):
    """Checks one bundle against the tile of its hashes; gives its leaf hashes."""
    if len(entries) != width * (ENTRY + 2):
        raise Wrong(first, entries_file, f"not a bundle of {width} entries")
    if len(tile) != width * 32:
        raise Wrong(first, tile_file, f"not a tile of {width} hashes")
    leaves, at = [], 0
    for index in range(width):
        seq, start = first + index, index * (ENTRY + 2)
        raw = entries[start + 2 : start + 2 + ENTRY]
        if int.from_bytes(entries[start : start + 2], "big") != ENTRY:
            raise Wrong(seq, entries_file, "not an entry")
        leaf = leaf_hash(raw)
        if tile[index * 32 : index * 32 + 32] != leaf:
            raise Wrong(seq, entries_file, "its hash is another than the tree's: the entry, or the tile, was changed")
        entry = Entry(raw)
        if not entry.valid or entry.seq != seq:
            raise Wrong(seq, entries_file, "another record stands in its place")
        payload = payloads[at : at + entry.length]
        if not entry.is_payload(payload):
            raise Wrong(seq, payload_file, "the bytes of its content were changed")
        at += entry.length
        leaves.append(leaf)
    if at != len(payloads):
        raise Wrong(first + width, payload_file, "bytes behind the last content")
    return leaves


class Log:
    """A log's directory."""

    def __init__(self, directory, key, known=()):
        self.directory, self.key, self.known = directory, key, list(known)
        self.expected = set()

    def read(self, record, name):
        try:
            with open(os.path.join(self.directory, name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            raise Wrong(record, name, "missing") from None

    def verify(self):
        """The number of records, where everything holds; else raises Wrong."""
        note = self.read(0, "checkpoint")
        size, root = self.key.open(note, "checkpoint")
        tree = Tree()
        for number in range((size + WIDTH - 1) // WIDTH):
            first = number * WIDTH
            width = min(WIDTH, size - first)
            names = [f"{kind}/{numbered(number, width)}" for kind in ("tile/entries", "payload", "tile/0")]
            files = [self.read(first, name) for name in names]
            self.expected.update(names)
            leaves = check_bundle(first, width, names[0], files[0], names[1], files[1], names[2], files[2])
            for leaf in leaves:
                self.push(tree, leaf, names[0])
        for tile in tree.partial():
            self.check_tile(*tile)
        if tree.root() != root:
            raise Wrong(size - 1, "checkpoint", "the signed root is another: records, or the checkpoint, were replaced")
        journal = self.journal()
        self.strays(size, bool(journal) or os.path.isdir(os.path.join(self.directory, "journal")))
        for name, batch in journal:
            self.take(tree, name, batch)
        for known_size, _ in self.known:
            if known_size > tree.size:
                raise Wrong(tree.size, "checkpoint", f"missing: a signed checkpoint counts {known_size} records")
        return tree.size

    def push(self, tree, leaf, file):
        for tile in tree.push(leaf):
            self.check_tile(*tile)
        for size, root in self.known:
            if size == tree.size and root != tree.root():
                raise Wrong(size - 1, file, "this is another log than the one that a known checkpoint is of")

    def check_tile(self, level, number, hashes):
        name = f"tile/{level}/{numbered(number, len(hashes))}"
        first = (number * WIDTH) << (8 * level)
        if self.read(first, name) != b"".join(hashes):
            raise Wrong(first, name, "the tile is another than its records make")
        self.expected.add(name)

    def strays(self, size, is_open):
        """Nothing else stands among the tiles, but what a crash may leave while the journal is there."""
        for kind in ("tile", "payload"):
            for directory, _, files in os.walk(os.path.join(self.directory, kind)):
                for file in files:
                    name = os.path.relpath(os.path.join(directory, file), self.directory)
                    if name not in self.expected and not is_open:
                        raise Wrong(size, name, "it belongs to no record that the checkpoint counts")

    def journal(self):
        """The newest run of batches without a gap, as (file, batch)."""
        directory, found = os.path.join(self.directory, "journal"), []
        for file in sorted(os.listdir(directory)) if os.path.isdir(directory) else []:
            if not file.endswith(".seg"):
                continue
            raw, at, last = self.read(0, f"journal/{file}"), 0, None
            while raw[at : at + 4] == BATCH:
                length = int.from_bytes(raw[at + 4 : at + 8], "big")
                body = raw[at + 16 : at + 16 + length]
                if len(body) != length or leaf_hash(body)[:8] != raw[at + 8 : at + 16]:
                    break
                first, count = int.from_bytes(body[:8], "big"), int.from_bytes(body[8:12], "big")
                if last is not None and first != last:
                    break
                last = first + count
                found.append((f"journal/{file}", (first, count, body)))
                at += 16 + length
        found.sort(key=lambda item: item[1][0])
        run = []
        for name, batch in found:
            if run and run[-1][1][0] + run[-1][1][1] != batch[0]:
                run = []
            run.append((name, batch))
        return run

    def take(self, tree, name, batch):
        first, count, body = batch
        note_end = 16 + int.from_bytes(body[12:16], "big")
        at, payload_at = note_end, note_end + count * ENTRY
        for seq in range(first, first + count):
            entry = Entry(body[at : at + ENTRY])
            at += ENTRY
            payload = body[payload_at : payload_at + entry.length]
            payload_at += entry.length
            if not entry.valid or entry.seq != seq or not entry.is_payload(payload):
                raise Wrong(seq, name, "its bytes were changed")
            if seq > tree.size:
                raise Wrong(tree.size, name, "missing from tiles and journal")
            if seq == tree.size:
                tree.push(leaf_hash(entry.raw))
                for size, root in self.known:
                    if size == tree.size and root != tree.root():
                        raise Wrong(seq, name, "this is another log than the one that a known checkpoint is of")
        if first + count == tree.size:
            if self.key.open(body[16:note_end], name) != (tree.size, tree.root()):
                raise Wrong(tree.size - 1, name, "the signed root is another")


def root_from_inclusion(leaf, index, size, path):
    """RFC 9162 §2.1.3.2."""
    if index >= size:
        raise Wrong(index, "proof", "not in the tree")
    node, last, root = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise Wrong(index, "proof", "the path has the wrong length")
        if node % 2 or node == last:
            root = node_hash(sibling, root)
            while node % 2 == 0 and node:
                node, last = node >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise Wrong(index, "proof", "the path has the wrong length")
    return root


def check_proof(key, proof):
    """Checks what `countersign log prove` writes; gives the record's number."""
    content, of = proof["content"].encode(), proof["proof"]
    size, root = key.open(of["note"].encode(), "proof")
    entry = Entry(bytes.fromhex(of["entry"]))
    salt = bytes.fromhex(of["salt"])
    if not entry.valid or sha256(b"countersign/commitment/v2\n", salt, content) != entry.commitment:
        raise Wrong(entry.seq, "proof", "the entry commits to another content")
    path = [bytes.fromhex(item) for item in of["path"]]
    if root_from_inclusion(leaf_hash(entry.raw), entry.seq, size, path) != root:
        raise Wrong(entry.seq, "proof", "the record is not in the signed tree")
    return entry.seq


def ranges(numbers):
    """`0-4, 7`."""
    parts, numbers = [], sorted(set(numbers))
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def hmac_sha256(key, message):
    import hmac

    return hmac.new(key, message, hashlib.sha256).digest()


def contents(directory):
    """Reads the contents of published records with the log's keys: (number, content), None where the key was destroyed."""
    ring = json.loads(open(os.path.join(directory, "keys/ring.json"), "rb").read())
    keks = {kek["number"]: bytes.fromhex(kek["key"]) for kek in ring["keys"]}
    slots = open(os.path.join(directory, "keys/data"), "rb").read()
    size = int(open(os.path.join(directory, "checkpoint"), "rb").read().split(b"\n")[1])
    for number in range((size + WIDTH - 1) // WIDTH):
        width = min(WIDTH, size - number * WIDTH)
        read = lambda kind: open(os.path.join(directory, kind, numbered(number, width)), "rb").read()
        entries, payloads, at = read("tile/entries"), read("payload"), 0
        for index in range(width):
            start = index * (ENTRY + 2) + 2
            entry = Entry(entries[start : start + ENTRY])
            payload = payloads[at : at + entry.length]
            at += entry.length
            slot = slots[entry.key * 96 : entry.key * 96 + 96]
            kek = int.from_bytes(slot[:4], "big")
            if kek == 0:
                yield entry.seq, None
                continue
            wrap = b"countersign/data-key/v2" + slot[:4] + entry.key.to_bytes(8, "big")
            secret = AESGCM(keks[kek]).decrypt(slot[4:16], slot[16:64], wrap)
            encrypt = hmac_sha256(secret, b"countersign/record/encrypt/v2\x01")
            place = entry.raw[4:20]
            content = AESGCM(encrypt).decrypt(entry.nonce, payload, place)
            commit = hmac_sha256(secret, b"countersign/record/commit/v2\x01")
            salt = hmac_sha256(commit, b"countersign/salt/v2" + place + entry.nonce)
            if sha256(b"countersign/commitment/v2\n", salt, content) != entry.commitment:
                raise Wrong(entry.seq, "payload", "the content is another than the entry commits to")
            yield entry.seq, content


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("log", help="the log's directory, or a file with proofs of records, one a line")
    parser.add_argument("--key", required=True, help="the log's public key, from somewhere that you trust")
    parser.add_argument("--against", action="append", default=[], help="a checkpoint that was saved elsewhere")
    parser.add_argument("--contents", action="store_true", help="print the contents, with the keys in the directory")
    parser.add_argument("--json", action="store_true", help="the result as JSON")
    args = parser.parse_args()
    try:
        key = LogKey(open(args.key, encoding="utf-8").read())
    except (OSError, ValueError) as why:
        print(f"`{args.key}`: {why}", file=sys.stderr)
        return 2
    try:
        if os.path.isfile(args.log):
            with open(args.log, encoding="utf-8") as file:
                proved = [check_proof(key, json.loads(line)) for line in file if line.strip()]
            told = f"proved: {len(proved)} records, {ranges(proved)}" if len(proved) != 1 else f"proved: record {proved[0]}"
            print(json.dumps({"holds": True, "records": proved}) if args.json else told)
            return 0
        known = [key.open(open(path, "rb").read(), path) for path in args.against]
        records = Log(args.log, key, known).verify()
        if args.contents:
            for seq, content in contents(args.log):
                print(seq, content.decode() if content is not None else "(destroyed)")
            return 0
        print(json.dumps({"holds": True, "records": records}) if args.json else f"holds: {records} records")
        return 0
    except Wrong as wrong:
        told = {"holds": False, "record": wrong.record, "file": wrong.file, "why": wrong.why}
        print(json.dumps(told) if args.json else f"DOES NOT HOLD: {wrong}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
