#!/usr/bin/env python3
"""A second implementation of the DET-1/1 operations, written from docs/numerics.md alone, checked against golden.json.

Python computes in f64; rounding each result of + - * / sqrt to f32 gives what f32 arithmetic gives, because f64 has more
than twice the digits. Run it from anywhere; it needs nothing but Python.
"""

import hashlib
import json
import math
import pathlib
import struct

MASK = (1 << 64) - 1


def f(x):
    """Rounds to f32."""
    return struct.unpack("<f", struct.pack("<f", x))[0]


def floats(values):
    return struct.pack(f"<{len(values)}f", *values)


def digest(data):
    return hashlib.blake2b(data, digest_size=32).hexdigest()


def numbers(state, count, factor=1.0):
    out = []
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) & MASK
        out.append(f(f((state >> 40) / 16777216.0 - 0.5) * factor))
    return out


def nearest(x):
    return round(x)  # Python's round goes to even on ties.


def quantise(x, limit):
    amax = max(abs(v) for v in x)
    if amax < 2.0**-100:
        return [0] * len(x), 0.0
    return [nearest(f(f(v * limit) / amax)) for v in x], f(amax / limit)


def quantise_w4(x):
    """Multipliers, one for each 32 columns, and weights of a row, and its scale."""
    amax = max(abs(v) for v in x)
    if amax < 2.0**-100:
        return [0] * -(-len(x) // 32), [0] * len(x), 0.0
    scale = f(amax / 441.0)
    multipliers, weights = [], []
    for begin in range(0, len(x), 32):
        group = x[begin : begin + 32]
        largest = max(abs(v) for v in group)
        m = min(63, math.ceil(f(f(largest * 63.0) / amax)))
        multipliers.append(m)
        step = f(m * scale)
        weights += [max(-7, min(7, nearest(f(v / step)))) if m else 0 for v in group]
    return multipliers, weights, scale


def pack_w4(multipliers, weights):
    """The bytes of a row: blocks of 64 columns, column i in the low half of byte i, column 32 + i in the high half."""
    weights = weights + [0] * (-len(weights) % 64)
    blocks = [weights[i : i + 64] for i in range(0, len(weights), 64)]
    nibbles = bytes(b[i] + 8 | b[i + 32] + 8 << 4 for b in blocks for i in range(32))
    return nibbles, bytes(multipliers + [0] * (len(multipliers) % 2))


def lanes(terms):
    lane = [0.0] * 16
    for i, term in enumerate(terms):
        lane[i % 16] = f(lane[i % 16] + term)
    for width in (8, 4, 2, 1):
        for i in range(width):
            lane[i] = f(lane[i] + lane[i + width])
    return lane[0]


def dot(x, y):
    return lanes(f(a * b) for a, b in zip(x, y))


def reciprocal_root(square, n, epsilon):
    return f(1.0 / f(math.sqrt(f(f(square / n) + f(epsilon)))))


def exp(x):
    x = min(max(x, -87.0), 88.0)
    magic = 12582912.0
    n = f(f(f(x * f(1.4426950408889634)) + magic) - magic)
    r = f(f(x - f(n * f(355 / 512))) - f(n * f(-2.1219444e-4)))
    p = f(1 / 5040)
    for c in (1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5, 1.0, 1.0):
        p = f(f(p * r) + f(c))
    return f(p * 2.0 ** int(n))


def silu(x):
    return f(x / f(1.0 + exp(-x)))


def erf(x):
    a = abs(x)
    t = f(1.0 / f(1.0 + f(f(0.3275911) * a)))
    p = f(1.0614054)
    for c in (-1.453152, 1.4214138, -0.28449674, 0.2548296):
        p = f(f(p * t) + f(c))
    p = f(p * t)
    return math.copysign(f(1.0 - f(p * exp(-f(a * a)))), x)


def gelu(x):
    return f(f(0.5 * x) * f(1.0 + erf(f(x * f(0.7071067811865476)))))


def half_bits(x):
    return struct.pack("<e", x)


def half(x):
    return struct.unpack("<e", half_bits(x))[0]


def tables():
    roots = [math.isqrt(1 << 123)]
    while len(roots) < 16:
        roots.append(math.isqrt(roots[-1] << 62))
    high, low = [], []
    for i in range(256):
        h = l = 1 << 62
        for bit in range(8):
            if i & (128 >> bit):
                h, l = (h * roots[bit]) >> 62, (l * roots[bit + 8]) >> 62
        high.append(h >> 31)
        low.append(l >> 31)
    return high, low


HIGH, LOW = tables()


def exp2(t):
    return 0 if t >> 16 > 31 else ((HIGH[(t >> 8) & 255] * LOW[t & 255]) >> 31) >> (t >> 16)


def random(seed, position):
    message = b"DET1/sample" + seed + position.to_bytes(4, "little")
    return int.from_bytes(hashlib.blake2b(message, digest_size=32).digest()[:8], "little")


def sample(logits, visible, seed, position, temperature, top_k, top_p, penalty):
    logits = list(logits)
    divisor = f(penalty / 1000)
    for token in set(visible):
        logit = logits[token]
        logits[token] = f(logit / divisor) if logit > 0 else f(logit * divisor)
    largest = max(logits)
    if temperature == 0:
        return logits.index(largest)
    factor = f(65536000.0 * 1.4426950408889634 / temperature)
    kept = []
    for token, logit in enumerate(logits):
        distance = f(f(largest - logit) * factor)
        weight = 0 if distance >= 2**21 else exp2(nearest(distance))
        if weight:
            kept.append((-weight, token))
    kept.sort()
    kept = kept[:top_k] if top_k else kept
    if top_p != 1000:
        total, held, count = -sum(w for w, _ in kept), 0, 0
        while count < len(kept) and (count == 0 or held * 1000 < total * top_p):
            held -= kept[count][0]
            count += 1
        kept = kept[:count]
    target = (random(seed, position) * -sum(w for w, _ in kept)) >> 64
    cumulative = 0
    for token, weight in sorted((token, -w) for w, token in kept):
        cumulative += weight
        if cumulative > target:
            return token
    raise AssertionError("the target is below the total")


def linear(factor):
    return lambda w: w / factor


def llama3(factor, low, high, context):
    def scaled(w):
        wave = 2.0 * math.pi / w
        if wave > context / low:
            return w / factor
        if wave < context / high:
            return w
        s = (context / wave - low) / (high - low)
        return (1.0 - s) * w / factor + s * w

    return scaled


def rope_table(positions, dim, base, scaled=lambda w: w):
    frequencies = [scaled(base ** (-(2.0 * i) / dim)) for i in range(dim // 2)]
    out = []
    for p in range(positions):
        out += [f(math.cos(p * w)) for w in frequencies] + [f(math.sin(p * w)) for w in frequencies]
    return out


def attention(query, keys, values, scale):
    dim = len(query)
    rows = range(0, len(keys), dim)
    scores = [f(dot(query, keys[i : i + dim]) * scale) for i in rows]
    largest = max(scores)
    weights = [exp(f(score - largest)) for score in scores]
    total, out = 0.0, [0.0] * dim
    for begin in range(0, len(weights), 64):
        chunk_sum, chunk = 0.0, [0.0] * dim
        for j in range(begin, min(begin + 64, len(weights))):
            chunk_sum = f(chunk_sum + weights[j])
            for c in range(dim):
                chunk[c] = f(chunk[c] + f(weights[j] * values[j * dim + c]))
        total = f(total + chunk_sum)
        out = [f(a + b) for a, b in zip(out, chunk)]
    return [f(a / total) for a in out]


def operations():
    x = numbers(1, 600, 8.0)
    ops = {}
    matrix, scales = [], []
    weights = numbers(2, 40 * 600)
    for row in range(40):
        q, scale = quantise(weights[row * 600 : (row + 1) * 600], 127.0)
        matrix.append(q)
        scales.append(scale)
    ops["weights_w8"] = struct.pack("<24000b", *sum(matrix, []))
    ops["weights_w8_scales"] = floats(scales)
    halves, fine, fine_scales = [], [], []
    for row in range(40):
        q, scale = quantise(weights[row * 600 : (row + 1) * 600], 32512.0)
        high = [(v + 127) // 255 for v in q]
        halves += high + [v - 255 * h for v, h in zip(q, high)]
        fine.append(q)
        fine_scales.append(scale)
    ops["weights_w16"] = struct.pack("<48000b", *halves)
    ops["weights_w16_scales"] = floats(fine_scales)
    packed = [quantise_w4(weights[row * 600 : (row + 1) * 600]) for row in range(40)]
    rows = [pack_w4(multipliers, q) for multipliers, q, _ in packed]
    ops["weights_w4"] = b"".join(nibbles for nibbles, _ in rows)
    ops["weights_w4_multipliers"] = b"".join(multipliers for _, multipliers in rows)
    ops["weights_w4_scales"] = floats([scale for _, _, scale in packed])
    whole = [[m[i // 32] * q[i] for i in range(600)] for m, q, _ in packed]
    bias = numbers(3, 40)
    for name, limit in (("a8", 127.0), ("a16", 32512.0)):
        q, scale = quantise(x, limit)
        ops[f"quantise_{name}"] = struct.pack("<600h", *q) + floats([scale])
        row_scales = [row_scale for _, _, row_scale in packed]
        formats = (("product", matrix, scales), ("product_w16", fine, fine_scales), ("product_w4", whole, row_scales))
        for product, integers, weight_scales in formats:
            sums = [sum(a * b for a, b in zip(q, row)) for row in integers]
            ops[f"{product}_{name}"] = floats(
                [f(f(f(f(s) * w) * scale) + b) for s, w, b in zip(sums, weight_scales, bias)]
            )
    ops["sum"] = floats([lanes(x)])
    ops["dot"] = floats([dot(x, numbers(4, 600))])
    weight, shift = numbers(5, 600), numbers(6, 600)
    r = reciprocal_root(dot(x, x), 600, 1e-5)
    ops["rms_norm"] = floats([f(f(v * r) * w) for v, w in zip(x, weight)])
    mean = f(lanes(x) / 600)
    d = [f(v - mean) for v in x]
    r = reciprocal_root(dot(d, d), 600, 1e-12)
    y = [f(f(f(v * r) * w) + b) for v, w, b in zip(d, weight, shift)]
    ops["layer_norm"] = floats(y)
    length = max(f(math.sqrt(dot(y, y))), f(1e-12))
    ops["unit"] = floats([f(v / length) for v in y])
    for name, function, factor in (("exp", exp, 200.0), ("silu", silu, 40.0), ("erf", erf, 10.0), ("gelu", gelu, 20.0)):
        ops[name] = floats([function(v) for v in numbers(7, 10000, factor)])
    ops["half"] = b"".join(half_bits(v) for v in numbers(8, 10000, 1000.0))
    table = rope_table(256, 64, 10000.0)
    ops["rope_table"] = floats(table)
    ops["rope_table_linear"] = floats(rope_table(256, 64, 10000.0, linear(2.5)))
    ops["rope_table_llama3"] = floats(rope_table(256, 64, 10000.0, llama3(8.0, 1.0, 4.0, 64.0)))
    head, row = numbers(9, 64, 4.0), table[200 * 64 : 201 * 64]
    cos, sin = row[:32], row[32:]
    first = [f(f(head[i] * cos[i]) - f(head[i + 32] * sin[i])) for i in range(32)]
    second = [f(f(head[i + 32] * cos[i]) + f(head[i] * sin[i])) for i in range(32)]
    ops["rope"] = floats(first + second)
    keys = [half(v) for v in numbers(11, 150 * 32, 6.0)]
    values = [half(v) for v in numbers(12, 150 * 32, 6.0)]
    ops["attention"] = floats(attention(numbers(10, 32, 6.0), keys, values, f(1.0 / math.sqrt(32.0))))
    ops["exp2"] = b"".join(exp2(t).to_bytes(4, "little") for t in range(0, 2200000, 7))
    seed = bytes([42]) * 32
    ops["random"] = b"".join(random(seed, p).to_bytes(8, "little") for p in range(100))
    logits = numbers(13, 500, 10.0)
    drawn = [sample(logits, [1, 2, 3, 200], seed, p, 700, 40, 950, 1100) for p in range(500)]
    ops["sample"] = b"".join(token.to_bytes(4, "little") for token in drawn)
    return {name: digest(data) for name, data in ops.items()}


def main():
    golden = json.loads(pathlib.Path(__file__).with_name("golden.json").read_text())
    found = operations()
    assert golden["profile"] == "DET-1/1", golden["profile"]
    different = sorted(name for name in golden["operations"] if found.get(name) != golden["operations"][name])
    if different or found.keys() != golden["operations"].keys():
        raise SystemExit(f"these operations differ: {', '.join(different) or 'the list itself'}")
    print(f"{len(found)} operations agree")


if __name__ == "__main__":
    main()
