#!/usr/bin/env python3
"""Opens every key of a stopped installation, from what docs/formats/ says and from nothing else.

    keys_at_rest.py STATE SECRETS    prints what it opened: a JSON list of [what, hexadecimal]

STATE is the state folder; SECRETS has one secret a line, in hexadecimal: what the token sealed and
opened while the installation ran. Only what proved itself is printed, by a tag or a check that
fits: the root secrets in use, each mailbox's W, life secrets and private keys, each message's DEK
and its content keys. Pages: log.md, keyring.md, root-secret.md, mailbox-keys.md, message-row.md,
sealed-dek.md, mbx1.md. Needs `cryptography`.
"""

import hmac
import json
import struct
import sys
from hashlib import sha256
from pathlib import Path

sys.dont_write_bytecode = True  # leave the tree as it was
from decrypt import hkdf_expand, hkdf_extract, open_content, open_dek, xwing_public  # noqa: E402
from rows import aes_ctr, okm  # noqa: E402

MESSAGE, META, MAILBOX_KEYS = 3, 21, 23
CRC = []
for byte in range(256):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    CRC.append(byte)


def crc32c(data, seed=0):
    crc = ~seed & 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC[(crc ^ byte) & 0xFF]
    return ~crc & 0xFFFFFFFF


def small_open(key, salt, info, covered, sealed):
    """The plaintext, or nothing where the tag does not fit."""
    encryption, mac = okm(key, salt, info)
    ciphertext, tag = sealed[:-32], sealed[-32:]
    fits = hmac.compare_digest(hmac.digest(mac, covered + ciphertext, "sha256"), tag)
    return aes_ctr(encryption, ciphertext) if fits else None


# -- log.md


class Log:
    """Rows and contents after every unit of work."""

    def __init__(self, folder):
        units = {}
        for path in sorted(folder.glob("*.seg")):
            segment = path.read_bytes()
            magic, version, store, _, _, first = struct.unpack_from(">6sH16sIIQ", segment)
            assert (magic, version) == (b"MBXLOG", 1), path
            assert crc32c(segment[:48]) == struct.unpack_from(">I", segment, 48)[0], path
            units = {lsn: unit for lsn, unit in units.items() if lsn < first}
            units |= groups(segment, crc32c(b"mbx log" + store))
        assert list(units) == list(range(1, len(units) + 1)), "the log has gaps"
        self.rows, self.contents = {}, {}
        for unit in units.values():
            self.take_in(unit)

    def take_in(self, unit):
        contents, changes_len, entry_len = struct.unpack_from(">H", unit, 6) + struct.unpack_from(
            ">II", unit, 24
        )
        at, end = 48, 48 + changes_len
        while at < end:
            kind, table, key_len = struct.unpack_from(">BBH", unit, at)
            key = unit[at + 4 : at + 4 + key_len]
            at += 4 + key_len
            if kind == 1:
                (value_len,) = struct.unpack_from(">I", unit, at)
                self.rows[table, key] = unit[at + 4 : at + 4 + value_len]
                at += 4 + value_len
            else:
                self.rows.pop((table, key), None)
        at = end + entry_len
        listed = [struct.unpack_from(">16sQ", unit, at + 24 * i) for i in range(contents)]
        at += 24 * contents
        for content_id, length in listed:
            self.contents[content_id] = unit[at : at + length]
            at += length

    def table(self, number):
        return {key: value for (table, key), value in self.rows.items() if table == number}


def groups(segment, seed):
    units, at = {}, 512
    while segment[at : at + 4] == b"MBXG":
        records, length, lsn = struct.unpack_from(">IQQ", segment, at + 4)
        assert crc32c(segment[at : at + 36], seed) == struct.unpack_from(">I", segment, at + 36)[0]
        record = at + 40
        for number in range(records):
            magic, lens = segment[record : record + 4], struct.unpack_from(">H", segment, record + 6)
            changes_len, entry_len, contents_len = struct.unpack_from(">IIQ", segment, record + 24)
            assert magic == b"MBXR"
            size = 48 + changes_len + entry_len + 24 * lens[0] + contents_len
            unit = segment[record : record + size]
            assert crc32c(unit[48:], seed) == struct.unpack_from(">I", unit, 40)[0]
            units[lsn + number] = unit
            record += size
        at += 40 + length + -(40 + length) % 512
    return units


# -- keyring.md


class Keyring:
    def __init__(self, folder, installation, secrets):
        (path,) = folder.glob("*.keys")
        self.file = path.read_bytes()
        self.tail = struct.pack(">I", int(path.stem)) + installation
        self.secrets = secrets
        self.secret = None

    def record(self, kind, position):
        (length,) = struct.unpack_from(">I", self.file, position)
        record = self.file[position + 8 : position + 8 + length]
        assert record[:2] == bytes([1, kind]), "another kind of record"
        info = b"mbx keyring record" + record[:2] + self.tail
        for secret in [self.secret] if self.secret else self.secrets:
            plain = small_open(secret, record[2:34], info, record[:34], record[34:])
            if plain is not None:
                self.secret = secret
                return plain
        raise ValueError(f"no secret opens the keyring's record at {position}")

    def lives(self, mailbox, position):
        plain = self.record(1, position)
        assert plain[:16] == mailbox, "a record of another mailbox"
        return {
            struct.unpack_from(">BI", plain, at): plain[at + 5 : at + 37]
            for at in range(16, len(plain), 37)
        }


# -- mailbox-keys.md, message-row.md


def open_mailbox(mailbox, row, keyring, secrets):
    """Per tier: epoch, W, life secret, X-Wing seed; and the register's life secret."""
    version, register_epoch, register_at = struct.unpack_from(">BIQ", row)
    assert version == 1
    opened, at = {}, 13
    for tier in (1, 2):
        epoch, position = struct.unpack_from(">IQ", row, at)
        fingerprint, private = row[at + 28 : at + 60], row[at + 60 : at + 124]
        life = keyring.lives(mailbox, position)[tier, epoch]
        named = struct.pack(">BI", tier, epoch)
        covered = b"\x01" + mailbox + named + fingerprint
        for wrapping in secrets:
            info = b"mbx mailbox key\x01" + named
            seed = small_open(wrapping + life, mailbox, info, covered, private)
            if seed is not None:
                assert sha256(xwing_public(seed)).digest() == fingerprint
                opened[tier] = epoch, wrapping, life, seed
                break
        else:
            raise ValueError("no W opens the private key")
        at += 126 + struct.unpack_from(">H", row, at + 124)[0]
    return opened, keyring.lives(mailbox, register_at)[3, register_epoch]


def message(row):
    def number():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = row[at]
            value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
            if byte < 128:
                return value

    def octets(length):
        nonlocal at
        at += length
        return row[at - length : at]

    at = 0
    assert octets(1) == b"\x01"
    facts = {"message": octets(16), "delivery": octets(16), "place": number()}
    facts["class"] = octets(1)[0]
    octets(12)  # sender
    number(), number(), number()  # received, len, attachments
    facts["manifest"], facts["root"], facts["epoch"] = octets(16), octets(32), number()
    facts["sealed"] = octets(number())
    return facts


# -- all of it


def opened(state, secrets):
    log = Log(state / "log")
    installation = log.rows[META, b"installation"][1:]
    keyring = Keyring(state / "keyring", installation, secrets)
    for what in ("register", "lookup"):
        row = log.rows[META, what.encode() + b" check"]
        for secret in secrets:
            prk = hkdf_extract(installation, secret)
            key = hkdf_expand(prk, b"mbx " + what.encode() + b" check", 32)
            if row == b"\x01" + hmac.digest(key, installation, "sha256"):
                yield f"{what} secret", secret
    private = {}
    for mailbox, row in log.table(MAILBOX_KEYS).items():
        tiers, register_life = open_mailbox(mailbox, row, keyring, secrets)
        yield "life secret of a register record", register_life
        for tier, (epoch, wrapping, life, seed) in tiers.items():
            private[mailbox, tier, epoch] = seed
            yield "W", wrapping
            yield "life secret of messages", life
            yield "X-Wing private key", seed
    yield "keyring secret", keyring.secret
    for key, row in log.table(MESSAGE).items():
        facts = message(row) | {"mailbox": key[:16]}
        tier = 2 if facts["class"] == 3 else 1
        dek = open_dek(private[key[:16], tier, facts["epoch"]], facts["sealed"], facts)
        yield "DEK", dek
        content = facts["manifest"]
        open_content(dek, content, log.contents[content])
        keys = hkdf_expand(hkdf_extract(content, dek), b"\x01mbx1 content", 64)
        yield "encryption key of a content", keys[:32]
        yield "MAC key of a content", keys[32:]


if __name__ == "__main__":
    lines = Path(sys.argv[2]).read_text().split()
    distinct = {bytes.fromhex(line) for line in lines if len(line) == 64}
    print(json.dumps([[what, key.hex()] for what, key in opened(Path(sys.argv[1]), distinct)]))
