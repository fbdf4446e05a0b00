#!/usr/bin/env python3
"""Recomputes lockstep6's test vectors from docs/agreement.md alone.

usage: agreement.py vectors.json

Prints each value that differs, and how many agree. Exit code 0 only if all do. Standard library only.
"""
import hashlib
import ipaddress
import json
import sys

P1, P2, P3, P4, P5 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9,
                      0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
M64 = 2**64 - 1


def rotl(x, n):
    return (x << n | x >> (64 - n)) & M64


def round64(acc, lane):
    return rotl((acc + lane * P2) & M64, 31) * P1 & M64


def xxh64(seed, data):
    def word(i, n):
        return int.from_bytes(data[i:i + n], "little")
    i = 0
    if len(data) >= 32:
        v = [(seed + P1 + P2) & M64, (seed + P2) & M64, seed, (seed - P1) & M64]
        while i + 32 <= len(data):
            v = [round64(v[k], word(i + 8 * k, 8)) for k in range(4)]
            i += 32
        acc = (rotl(v[0], 1) + rotl(v[1], 7) + rotl(v[2], 12) + rotl(v[3], 18)) & M64
        for lane in v:
            acc = ((acc ^ round64(0, lane)) * P1 + P4) & M64
    else:
        acc = (seed + P5) & M64
    acc = (acc + len(data)) & M64
    while i + 8 <= len(data):
        acc = (rotl(acc ^ round64(0, word(i, 8)), 27) * P1 + P4) & M64
        i += 8
    if i + 4 <= len(data):
        acc = (rotl(acc ^ (word(i, 4) * P1 & M64), 23) * P2 + P3) & M64
        i += 4
    for octet in data[i:]:
        acc = rotl(acc ^ (octet * P5 & M64), 11) * P1 & M64
    acc = (acc ^ acc >> 33) * P2 & M64
    acc = (acc ^ acc >> 29) * P3 & M64
    return acc ^ acc >> 32


def u32(x):
    return x.to_bytes(4, "big")


def address(text):
    return int(ipaddress.IPv6Address(text))


def text(number):
    return str(ipaddress.IPv6Address(number))


class Hasher:
    def __init__(self, algorithm, key):
        self.sha, self.key = {"sha256": True, "xxh64": False}[algorithm], key
        assert len(key) == 32

    def f(self, message):
        if self.sha:
            return int.from_bytes(hashlib.sha256(message + self.key).digest(), "big")
        return xxh64(int.from_bytes(self.key[:8], "big"), self.key[8:] + message)

    def reduce(self, message, size):
        if self.sha:
            return self.f(message) % size
        if size <= 2**64:
            return self.f(message) * size >> 64
        return (self.f(message) << 64 | self.f(message + b"l")) * size >> 128

    def candidate(self, pool, client, counter):
        return self.reduce(pool.prefix + client + u32(counter), pool.size)

    def spill(self, pool, client, stripe, n):
        return self.reduce(pool.prefix + client + u32(stripe) + b"s", pool.stripe_size(stripe, n))

    def choose(self, pools, client):
        def cost(pool):
            x = self.reduce(pool.first.to_bytes(16, "big") + client + u32(0) + b"c", 2**64) | 1
            log = x.bit_length() - 1
            m = x << (63 - log)
            for _ in range(32):
                s = m * m
                bit = s >> 127
                log, m = 2 * log + bit, s >> (63 + bit)
            return 64 * 2**32 - log, min(pool.size, 2**63)
        costs = [cost(p) for p in pools]
        scale = 1  # L/w of all pools on one denominator: exact, and the same order as the cross products
        for _, w in costs:
            scale *= w
        return sorted(range(len(pools)), key=lambda i: (costs[i][0] * scale // costs[i][1], pools[i].first))

    def rank(self, duid, name):
        return self.reduce(duid + name + u32(len(name)) + b"n", 2**64)

    def claim_rank(self, lease, client):
        return self.reduce(lease.to_bytes(16, "big") + client + u32(0) + b"k", 2**64)


class Pool:
    def __init__(self, first, last, length, excluded=(), part=None):
        self.step, self.addresses = 2**(128 - length), length == 128
        self.first, self.excluded = first, excluded
        self.size = (last - first) // self.step + 1
        common = (first ^ last).bit_length()
        self.prefix = (first >> common << common).to_bytes(16, "big")
        if part:
            i, n = part
            begin, end = i * self.size // n, (i + 1) * self.size // n
            self.first, self.size = self.lease(begin), end - begin

    def lease(self, slot):
        return self.first + slot * self.step

    def stripe_size(self, stripe, n):
        return self.size // n + (stripe < self.size % n)

    def usable(self, slot):
        low = self.lease(slot)
        high, iid = low + self.step - 1, low % 2**64
        if any(low <= b and a <= high for a, b in self.excluded):
            return False
        return not self.addresses or not (
            iid == 0 or 0x02005EFFFE000000 <= iid <= 0x02005EFFFEFFFFFF
            or 0xFDFFFFFFFFFFFF80 <= iid <= 0xFDFFFFFFFFFFFFFF)


def server_duid(cluster, name):
    d = bytearray(hashlib.sha256(b"lockstep6 server DUID" + cluster + name + u32(len(name))).digest()[:16])
    d[6], d[8] = d[6] & 0x0F | 0x80, d[8] & 0x3F | 0x80
    return b"\x00\x04" + bytes(d)


def expectations(v):
    """Yields (what, stated, recomputed) for everything in a file of vectors."""
    pools = {}
    for p in v["pools"]:
        excluded = [(address(a), address(b)) for a, b in p["excluded"]]
        pool = Pool(address(p["first"]), address(p["last"]), p["length"], excluded, p.get("part"))
        pools[p["name"]] = pool, p["stripes"]
        yield p["name"] + " prefix", p["prefix"], text(int.from_bytes(pool.prefix, "big"))
        yield p["name"] + " first lease", p["first_lease"], text(pool.first)
        yield p["name"] + " size", p["size"], str(pool.size)
        sizes = [str(pool.stripe_size(s, p["stripes"])) for s in range(p["stripes"])]
        yield p["name"] + " stripes", p["stripe_sizes"], sizes
    for c in v["clients"]:
        h = Hasher(c["algorithm"], bytes.fromhex(c["key"]))
        pool, n = pools[c["pool"]]
        client = bytes.fromhex(c["duid"]) + u32(c["iaid"])
        slots = [h.candidate(pool, client, k) for k in range(16)]
        usable = [k for k in range(16) if pool.usable(slots[k])]
        what = " ".join(("client", c["pool"], c["algorithm"], c["duid"], str(c["iaid"])))
        yield what + " candidates", c["candidates"], [text(pool.lease(s)) for s in slots]
        yield what + " usable", c["usable"], usable
        yield what + " primary", c["primary"], text(pool.lease(slots[usable[0]])) if usable else ""
        spills = [str(h.spill(pool, client, s, n)) if pool.stripe_size(s, n) else "" for s in range(n)]
        yield what + " spills", c["spills"], spills
    for c in v["choices"]:
        h = Hasher(c["algorithm"], bytes.fromhex(c["key"]))
        client = bytes.fromhex(c["duid"]) + u32(c["iaid"])
        order = h.choose([pools[name][0] for name in c["pools"]], client)
        yield "choice " + c["duid"], c["order"], [c["pools"][i] for i in order]
    for r in v["ranks"]:
        h = Hasher(r["algorithm"], bytes.fromhex(r["key"]))
        yield "rank " + r["node"], r["rank"], str(h.rank(bytes.fromhex(r["duid"]), r["node"].encode()))
    for c in v["claims"]:
        h = Hasher(c["algorithm"], bytes.fromhex(c["key"]))
        client = bytes.fromhex(c["duid"]) + u32(c["iaid"])
        yield "claim " + c["lease"], c["rank"], str(h.claim_rank(address(c["lease"]), client))
    for s in v["servers"]:
        yield "server " + s["node"], s["duid"], server_duid(s["cluster"].encode(), s["node"].encode()).hex()
    for k in v["keys"]:
        check = hashlib.sha256(b"lockstep6 key check" + bytes.fromhex(k["key"])).digest()[:8]
        yield "key check", k["check"], check.hex()


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        vectors = json.load(file)
    agree = differ = 0
    for what, stated, recomputed in expectations(vectors):
        if stated == recomputed:
            agree += 1
        else:
            differ += 1
            print(f"{what}\n  stated     {stated}\n  recomputed {recomputed}")
    print(f"{agree} values agree, {differ} differ")
    sys.exit(differ > 0 or agree == 0)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
