#!/usr/bin/env python3
"""Opens a message of mbx from what docs/formats/ says, and from nothing else of mbx.

    decrypt.py FOLDER      opens FOLDER/message.json, writes FOLDER/<content>.plain
    decrypt.py --vectors   checks the published vectors and ours in tests/vectors/

message.json names the mailbox's private key (in clear, for this test only), the facts of the
message row, the sealed DEK, and the contents in the manifest's order; FOLDER/<content>.mbx1 is
the stored content. Needs the package `cryptography`. Pages: mbx1.md, sealed-dek.md.
"""

import hmac
import json
import struct
import sys
from hashlib import sha3_256, sha256, shake_256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

sys.dont_write_bytecode = True  # leave the tree as it was
import mlkem768  # noqa: E402

CHUNK, TAG, HEADER = 65536, 32, 64


def hkdf_extract(salt, key):  # RFC 5869
    return hmac.digest(salt or bytes(32), key, "sha256")


def hkdf_expand(prk, info, length):
    out, block, counter = b"", b"", 0
    while len(out) < length:
        counter += 1
        block = hmac.digest(prk, block + info + bytes([counter]), "sha256")
        out += block
    return out[:length]


# -- sealed-dek.md: HPKE base mode with X-Wing, HKDF-SHA-256, AES-256-GCM


def raw(public):
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def xwing_expand(seed):
    expanded = shake_256(seed).digest(96)
    ek, dk = mlkem768.key_gen(expanded[:32], expanded[32:64])
    x = X25519PrivateKey.from_private_bytes(expanded[64:])
    return ek, dk, x


def xwing_public(seed):
    ek, _, x = xwing_expand(seed)
    return ek + raw(x.public_key())


def xwing_decapsulate(seed, enc):
    _, dk, x = xwing_expand(seed)
    ct_m, ct_x = enc[:1088], enc[1088:]
    shared_m = mlkem768.decapsulate(dk, ct_m)
    shared_x = x.exchange(X25519PublicKey.from_public_bytes(ct_x))
    return xwing_combine(shared_m, shared_x, ct_x, raw(x.public_key()))


def xwing_combine(shared_m, shared_x, ct_x, pk_x):
    return sha3_256(shared_m + shared_x + ct_x + pk_x + b"\\.//^\\").digest()


def hpke_keys(shared, suite, key_len, info):  # RFC 9180, 5.1, base mode
    def extract(salt, label, key):
        return hkdf_extract(salt, b"HPKE-v1" + suite + label + key)

    def expand(prk, label, context, length):
        labeled = struct.pack(">H", length) + b"HPKE-v1" + suite + label + context
        return hkdf_expand(prk, labeled, length)

    context = b"\x00" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared, b"secret", b"")
    return AESGCM(expand(secret, b"key", context, key_len)), expand(secret, b"base_nonce", context, 12)


DEK_SUITE, DEK_INFO = b"HPKE" + struct.pack(">HHH", 0x647A, 1, 2), b"mbx sealed dek\x01"


def dek_binding(facts):
    return struct.pack(
        ">B16sBI16s16sBI32s",
        1,
        facts["mailbox"],
        2 if facts["class"] == 3 else 1,
        facts["epoch"],
        facts["delivery"],
        facts["message"],
        facts["class"],
        facts["place"],
        facts["root"],
    )


def hpke_seal_dek(shared, aad, dek):
    aead, nonce = hpke_keys(shared, DEK_SUITE, 32, DEK_INFO)
    return aead.encrypt(nonce, dek, aad)


def open_dek(seed, sealed, facts):
    if len(sealed) != 1169 or sealed[0] != 1:
        raise ValueError("not a sealed DEK of version 1")
    shared = xwing_decapsulate(seed, sealed[1:1121])
    aead, nonce = hpke_keys(shared, DEK_SUITE, 32, DEK_INFO)
    return aead.decrypt(nonce, sealed[1121:], dek_binding(facts))


# -- mbx1.md


def open_content(dek, content_id, stored):
    """The plaintext, and the content's share of the content root."""
    header = stored[:HEADER]
    magic, suite, zero, chunk, named, length, rest = struct.unpack(">4sB3sQ16sQ24s", header)
    if (magic, suite, chunk, named) != (b"MBX1", 1, CHUNK, content_id) or any(zero + rest):
        raise ValueError("not the header of this content")
    okm = hkdf_expand(hkdf_extract(content_id, dek), bytes([suite]) + b"mbx1 content", 64)
    chunks = max(1, -(-length // CHUNK))
    if len(stored) != HEADER + length + chunks * TAG:
        raise ValueError("too short or too long")
    plain, tags, at = b"", b"", HEADER
    for number in range(chunks):
        size = min(CHUNK, length - number * CHUNK)
        ciphertext, tag = stored[at : at + size], stored[at + size : at + size + TAG]
        covered = header + struct.pack(">QBI", number, number == chunks - 1, size) + ciphertext
        if not hmac.compare_digest(hmac.digest(okm[32:], covered, "sha256"), tag):
            raise ValueError(f"chunk {number} was altered")
        counter = struct.pack(">QQ", 0, number * CHUNK // 16)
        plain += Cipher(algorithms.AES(okm[:32]), modes.CTR(counter)).encryptor().update(ciphertext)
        tags += tag
        at += size + TAG
    return plain, header + tags


def open_message(folder):
    message = json.loads((folder / "message.json").read_text())
    ids = ("mailbox", "delivery", "message")
    facts = {name: bytes.fromhex(message[name].split("_")[1]) for name in ids}
    facts |= {name: message[name] for name in ("epoch", "class", "place")}
    facts["root"] = bytes.fromhex(message["root"])
    dek = open_dek(bytes.fromhex(message["private_key"]), bytes.fromhex(message["sealed_dek"]), facts)
    shares = b""
    for content in message["contents"]:
        stored = (folder / f"{content}.mbx1").read_bytes()
        plain, share = open_content(dek, bytes.fromhex(content.split("_")[1]), stored)
        (folder / f"{content}.plain").write_bytes(plain)
        shares += share
    if sha256(shares).digest() != facts["root"]:
        raise ValueError("the content root does not fit")


# -- vectors


def check_vectors(folder):
    for vector in json.loads((folder / "mbx1.json").read_text()):
        plain = bytes(i % 251 for i in range(vector["plain_len"]))
        if "stored" not in vector:
            continue
        dek, stored = bytes.fromhex(vector["dek"]), bytes.fromhex(vector["stored"])
        opened, share = open_content(dek, bytes.fromhex(vector["content_id"][4:]), stored)
        assert opened == plain and sha256(share).hexdigest() == vector["root"], vector["name"]
    for vector in json.loads((folder / "x-wing.json").read_text())["vectors"]:
        seed, enc = bytes.fromhex(vector["private_key"]), bytes.fromhex(vector["enc"])
        assert xwing_public(seed).hex() == vector["public_key"]
        assert xwing_decapsulate(seed, enc).hex() == vector["shared_secret"]
    vector = json.loads((folder / "hpke.json").read_text())
    v = {name: bytes.fromhex(value) for name, value in vector.items() if name != "source"}
    shared = dhkem_decapsulate(v["private_key"], v["enc"])
    suite = b"HPKE" + struct.pack(">HHH", 0x20, 1, 1)
    aead, nonce = hpke_keys(shared, suite, 16, v["info"])
    assert aead.decrypt(nonce, v["ciphertext"], v["aad"]) == v["plaintext"]


def dhkem_decapsulate(private, enc):  # RFC 9180, 4.1: for its vector only
    x, suite = X25519PrivateKey.from_private_bytes(private), b"KEM\x00\x20"
    dh = x.exchange(X25519PublicKey.from_public_bytes(enc))
    prk = hkdf_extract(b"", b"HPKE-v1" + suite + b"eae_prk" + dh)
    context = enc + raw(x.public_key())
    return hkdf_expand(prk, b"\x00\x20HPKE-v1" + suite + b"shared_secret" + context, 32)


if __name__ == "__main__":
    if sys.argv[1:] == ["--vectors"]:
        check_vectors(Path(__file__).parent.parent / "vectors")
    elif len(sys.argv) == 2:
        try:
            open_message(Path(sys.argv[1]))
        except Exception as error:
            sys.exit(f"refused: {error!r}")
    else:
        sys.exit(__doc__)
