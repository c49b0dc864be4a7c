#!/usr/bin/env python3
"""Checks the rows of tests/vectors/keys.json against their pages in docs/formats/.

    rows.py            opens every row, checks every tag
    rows.py --make     prints the file anew, from the pages alone

Pages: sealed-dek.md, mailbox-keys.md, keyring.md, register-record.md, directory.md. Needs `cryptography`.
"""

import hmac
import json
import struct
import sys
from hashlib import sha256, sha3_256, sha3_512
from pathlib import Path

sys.dont_write_bytecode = True  # leave the tree as it was
import mlkem768  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.x25519 import (  # noqa: E402
    X25519PrivateKey,
    X25519PublicKey,
)
from decrypt import (  # noqa: E402
    dek_binding,
    hkdf_expand,
    hkdf_extract,
    hpke_seal_dek,
    open_dek,
    raw,
    xwing_combine,
    xwing_public,
)
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: E402


def given(what):
    """A fixed secret or id of 32 bytes."""
    return sha256(b"mbx keys vector: " + what.encode()).digest()


def okm(key, salt, info):
    out = hkdf_expand(hkdf_extract(salt, key), info, 64)
    return out[:32], out[32:]


def aes_ctr(key, data):
    return Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor().update(data)


def small_seal(key, salt, info, covered, plain):
    encryption, mac = okm(key, salt, info)
    ciphertext = aes_ctr(encryption, plain)
    return ciphertext + hmac.digest(mac, covered + ciphertext, "sha256")


def small_open(key, salt, info, covered, sealed):
    encryption, mac = okm(key, salt, info)
    ciphertext, tag = sealed[:-32], sealed[-32:]
    assert hmac.compare_digest(hmac.digest(mac, covered + ciphertext, "sha256"), tag)
    return aes_ctr(encryption, ciphertext)


# -- what is given

NUMBER = b"191212121212"
INSTALLATION, MAILBOX, PERSON = (given(w)[:16] for w in ("installation", "mailbox", "person"))
KEYRING, REGISTER, LOOKUP = (given(w) for w in ("keyring", "register", "lookup"))
TIERS = {"basic": 1, "high": 2}
WRAPPING = {tier: given(f"W {tier}") for tier in TIERS}
SEED = {tier: given(f"seed {tier}") for tier in TIERS}
EPOCH = {"basic": 1, "high": 2, "register": 3}
LIFE = {tier: given(f"L {tier}") for tier in EPOCH}
PERSON_LIFE, GENERATION = given("person's life"), 5


def keyring_record(kind, plain, salt):
    head = bytes([1, kind]) + salt
    info = b"mbx keyring record" + bytes([1, kind]) + struct.pack(">I", GENERATION) + INSTALLATION
    return head + small_seal(KEYRING, salt, info, head, plain)


def mailbox_keys_row():
    row = struct.pack(">BIQ", 1, EPOCH["register"], 4096)
    for tier, code in TIERS.items():
        epoch, fingerprint = EPOCH[tier], sha256(xwing_public(SEED[tier])).digest()
        info = b"mbx mailbox key" + struct.pack(">BBI", 1, code, epoch)
        covered = struct.pack(">B16sBI", 1, MAILBOX, code, epoch) + fingerprint
        private = small_seal(WRAPPING[tier] + LIFE[tier], MAILBOX, info, covered, SEED[tier])
        sealed = b"sealed by a token: " + tier.encode()
        row += struct.pack(">IQ", epoch, 4096) + given(f"kek {tier}")[:16] + fingerprint + private
        row += struct.pack(">H", len(sealed)) + sealed
    return row


def register_record(salt):
    head = b"\x01" + salt
    info = b"mbx register record\x01"
    return head + small_seal(REGISTER + LIFE["register"], salt, info, head + MAILBOX, b"a holder")


def side_record(salt):
    head = b"\x01" + struct.pack(">Q", 8192) + salt
    plain = given("commitment salt") + NUMBER
    key = REGISTER + PERSON_LIFE
    return head + small_seal(key, salt, b"mbx side record\x01", head + PERSON, plain)


def sealed_dek(facts):
    """X-Wing's encapsulation (ML-KEM: FIPS 203, algorithm 17), then HPKE."""
    public = xwing_public(SEED["high"])
    ek, pk_x = public[:1184], public[1184:]
    m, x = given("encapsulation m"), X25519PrivateKey.from_private_bytes(given("encapsulation x"))
    g = sha3_512(m + sha3_256(ek).digest()).digest()
    ct_x = raw(x.public_key())
    shared_x = x.exchange(X25519PublicKey.from_public_bytes(pk_x))
    shared = xwing_combine(g[:32], shared_x, ct_x, pk_x)
    enc = mlkem768.encrypt(ek, m, g[32:]) + ct_x
    return b"\x01" + enc + hpke_seal_dek(shared, dek_binding(facts), given("DEK"))


def message_facts():
    ids = {name: given(name)[:16] for name in ("delivery", "message")}
    facts = {"mailbox": MAILBOX, "epoch": 2, "class": 3, "place": 7, "root": given("root")}
    return ids | facts


def root_key(secret, purpose):
    return hkdf_expand(hkdf_extract(INSTALLATION, secret), purpose, 32)


def lookup_key(purpose):
    return root_key(LOOKUP, purpose)


def directory_row(key):
    row = struct.pack(">BB16s", 1, 2, MAILBOX)
    for tier in TIERS:
        row += struct.pack(">I", EPOCH[tier]) + xwing_public(SEED[tier])
    return row + hmac.digest(lookup_key(b"mbx directory row"), key + row, "sha256")


def made():
    lives = b"".join(
        struct.pack(">BI", code, EPOCH[tier]) + LIFE[tier]
        for tier, code in (TIERS | {"register": 3}).items()
    )
    key = hmac.digest(lookup_key(b"mbx directory number"), NUMBER, "sha256")
    parts = [b"duplicate", b"", b"x"]
    marked = b"".join(struct.pack(">Q", len(part)) + part for part in parts)
    rows = {
        "mailbox_keys": mailbox_keys_row(),
        "keyring_mailbox": keyring_record(1, MAILBOX + lives, given("salt 1")),
        "keyring_person": keyring_record(2, PERSON + PERSON_LIFE, given("salt 2")),
        "register_record": register_record(given("salt 3")),
        "side_record": side_record(given("salt 4")),
        "side_commitment": sha256(given("commitment salt") + NUMBER).digest(),
        "directory_key": key,
        "directory_row": directory_row(key),
        "sealed_dek": sealed_dek(message_facts()),
        "lookup_check": b"\x01"
        + hmac.digest(lookup_key(b"mbx lookup check"), INSTALLATION, "sha256"),
        "register_check": b"\x01"
        + hmac.digest(root_key(REGISTER, b"mbx register check"), INSTALLATION, "sha256"),
        "mark": hmac.digest(lookup_key(b"mbx mark"), marked, "sha256"),
    }
    secrets = {
        "installation": INSTALLATION,
        "mailbox": MAILBOX,
        "person": PERSON,
        "keyring_secret": KEYRING,
        "register_secret": REGISTER,
        "lookup_secret": LOOKUP,
        "w_basic": WRAPPING["basic"],
        "w_high": WRAPPING["high"],
        "delivery": given("delivery")[:16],
        "message": given("message")[:16],
        "root": given("root"),
        "dek": given("DEK"),
        "seed_basic": SEED["basic"],
        "seed_high": SEED["high"],
    }
    return {name: value.hex() for name, value in (secrets | rows).items()}


if __name__ == "__main__":
    if sys.argv[1:] == ["--make"]:
        print(json.dumps(made(), indent=1))
    else:
        known = json.loads((Path(__file__).parent.parent / "vectors" / "keys.json").read_text())
        assert known == made()
        record = bytes.fromhex(known["register_record"])
        key, info = REGISTER + LIFE["register"], b"mbx register record\x01"
        plain = small_open(key, record[1:33], info, record[:33] + MAILBOX, record[33:])
        assert plain == b"a holder"
        sealed = bytes.fromhex(known["sealed_dek"])
        assert open_dek(SEED["high"], sealed, message_facts()) == given("DEK")
