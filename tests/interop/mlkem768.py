"""ML-KEM-768 in plain Python, from FIPS 203: key generation and decapsulation.

For checking formats only: slow, and not in constant time. Algorithm numbers are the standard's.
"""

from hashlib import sha3_256, sha3_512, shake_128, shake_256

Q, N, K, ETA, DU, DV = 3329, 256, 3, 2, 10, 4
CT_LEN = 32 * (DU * K + DV)


def _bit_reverse7(i):
    return int(f"{i:07b}"[::-1], 2)


ZETAS = [pow(17, _bit_reverse7(i), Q) for i in range(128)]
GAMMAS = [pow(17, 2 * _bit_reverse7(i) + 1, Q) for i in range(128)]


def byte_encode(f, d):  # Algorithm 5
    bits = sum(a << (d * i) for i, a in enumerate(f))
    return bits.to_bytes(32 * d, "little")


def byte_decode(b, d):  # Algorithm 6
    bits, mask = int.from_bytes(b, "little"), (1 << d) - 1
    return [(bits >> (d * i)) & mask for i in range(N)]


def compress(f, d):
    return [(((a << d) + Q // 2) // Q) % (1 << d) for a in f]


def decompress(f, d):
    return [(a * Q + (1 << (d - 1))) >> d for a in f]


def sample_ntt(seed):  # Algorithm 7
    stream, a, at = shake_128(seed).digest(1344), [], 0
    while len(a) < N:
        c0, c1, c2 = stream[at : at + 3]
        at += 3
        for d in (c0 + 256 * (c1 % 16), c1 // 16 + 16 * c2):
            if d < Q and len(a) < N:
                a.append(d)
    return a


def sample_cbd(b):  # Algorithm 8, eta = 2
    bits = int.from_bytes(b, "little")
    f = []
    for i in range(N):
        four = (bits >> (4 * i)) & 15
        x, y = (four & 1) + (four >> 1 & 1), (four >> 2 & 1) + (four >> 3 & 1)
        f.append((x - y) % Q)
    return f


def ntt(f):  # Algorithm 9
    f, i, length = list(f), 1, 128
    while length >= 2:
        for start in range(0, N, 2 * length):
            zeta, i = ZETAS[i], i + 1
            for j in range(start, start + length):
                t = zeta * f[j + length] % Q
                f[j + length], f[j] = (f[j] - t) % Q, (f[j] + t) % Q
        length //= 2
    return f


def ntt_inverse(f):  # Algorithm 10
    f, i, length = list(f), 127, 2
    while length <= 128:
        for start in range(0, N, 2 * length):
            zeta, i = ZETAS[i], i - 1
            for j in range(start, start + length):
                t = f[j]
                f[j] = (t + f[j + length]) % Q
                f[j + length] = zeta * (f[j + length] - t) % Q
        length *= 2
    return [a * 3303 % Q for a in f]


def multiply(f, g):  # Algorithms 11 and 12
    h = []
    for i in range(128):
        a0, a1, b0, b1 = f[2 * i], f[2 * i + 1], g[2 * i], g[2 * i + 1]
        h += [(a0 * b0 + a1 * b1 * GAMMAS[i]) % Q, (a0 * b1 + a1 * b0) % Q]
    return h


def add(f, g):
    return [(a + b) % Q for a, b in zip(f, g)]


def dot(row, column):
    total = [0] * N
    for f, g in zip(row, column):
        total = add(total, multiply(f, g))
    return total


def prf(s, b):
    return shake_256(s + bytes([b])).digest(64 * ETA)


def matrix(rho):
    return [[sample_ntt(rho + bytes([j, i])) for j in range(K)] for i in range(K)]


def key_gen(d, z):  # Algorithms 13 and 16
    g = sha3_512(d + bytes([K])).digest()
    rho, sigma = g[:32], g[32:]
    a = matrix(rho)
    s = [ntt(sample_cbd(prf(sigma, i))) for i in range(K)]
    e = [ntt(sample_cbd(prf(sigma, K + i))) for i in range(K)]
    t = [add(dot(a[i], s), e[i]) for i in range(K)]
    ek = b"".join(byte_encode(f, 12) for f in t) + rho
    dk = b"".join(byte_encode(f, 12) for f in s) + ek + sha3_256(ek).digest() + z
    return ek, dk


def encrypt(ek, m, r):  # Algorithm 14
    t, rho = [byte_decode(ek[384 * i : 384 * i + 384], 12) for i in range(K)], ek[384 * K :]
    a = matrix(rho)
    y = [ntt(sample_cbd(prf(r, i))) for i in range(K)]
    e1 = [sample_cbd(prf(r, K + i)) for i in range(K)]
    e2 = sample_cbd(prf(r, 2 * K))
    u = [add(ntt_inverse(dot([a[j][i] for j in range(K)], y)), e1[i]) for i in range(K)]
    mu = decompress(byte_decode(m, 1), 1)
    v = add(add(ntt_inverse(dot(t, y)), e2), mu)
    return b"".join(byte_encode(compress(f, DU), DU) for f in u) + byte_encode(compress(v, DV), DV)


def decrypt(dk, c):  # Algorithm 15
    u = [decompress(byte_decode(c[320 * i : 320 * i + 320], DU), DU) for i in range(K)]
    v = decompress(byte_decode(c[320 * K :], DV), DV)
    s = [byte_decode(dk[384 * i : 384 * i + 384], 12) for i in range(K)]
    product = ntt_inverse(dot(s, [ntt(f) for f in u]))
    w = [(a - b) % Q for a, b in zip(v, product)]
    return byte_encode(compress(w, 1), 1)


def decapsulate(dk, c):  # Algorithm 18
    if len(c) != CT_LEN:
        raise ValueError("an ML-KEM-768 ciphertext has 1,088 bytes")
    ek, h, z = dk[384 * K : 768 * K + 32], dk[768 * K + 32 : 768 * K + 64], dk[768 * K + 64 :]
    m = decrypt(dk[: 384 * K], c)
    g = sha3_512(m + h).digest()
    if c == encrypt(ek, m, g[32:]):
        return g[:32]
    return shake_256(z + c).digest(32)
