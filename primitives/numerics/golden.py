#!/usr/bin/env python3
"""A second implementation of DET-1/1, written from docs/numerics.md alone, checked against golden.json: every
operation, and the networks whose weights come from a generator.

Python computes in f64; rounding each result of + - * / sqrt to f32 gives what f32 arithmetic gives, because f64 has more
than twice the digits. Run it from anywhere; it needs nothing but Python.
"""

import hashlib
import json
import math
import pathlib
import struct

MASK = (1 << 64) - 1


F32 = struct.Struct("<f")


def f(x):
    """Rounds to f32."""
    return F32.unpack(F32.pack(x))[0]


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


# ---------------------------------------------------------------- whole networks

A8, A16 = 127.0, 32512.0
END = 2


def weights(name, shape):
    """A tensor of the small networks: its generator begins with the sum of its name's bytes times 2^32."""
    values = numbers(sum(name.encode()) << 32, math.prod(shape))
    if len(shape) == 1:
        return [f(v + 1.0) for v in values] if "norm.weight" in name.lower() else values
    factor = 1.0 if "embed" in name else f(math.sqrt(f(12.0 / shape[1])))
    return [f(v * factor) for v in values]


class Matrix:
    """Rows of integers with a scale each, and a bias where there is one."""

    def __init__(self, name, outputs, columns, layout="W8", bias=False):
        values = weights(f"{name}.weight", (outputs, columns))
        self.rows, self.scales = [], []
        for begin in range(0, len(values), columns):
            row = values[begin : begin + columns]
            if layout == "W4":
                multipliers, q, scale = quantise_w4(row)
                q = [multipliers[i // 32] * v for i, v in enumerate(q)]
            else:
                q, scale = quantise(row, A16 if layout == "W16" else A8)
            self.rows.append(q)
            self.scales.append(scale)
        self.bias = weights(f"{name}.bias", (outputs,)) if bias else None

    def read(self, row):
        return [f(q * self.scales[row]) for q in self.rows[row]]

    def __call__(self, x, limit):
        q, scale = quantise(x, limit)
        y = [f(f(f(sum(map(int.__mul__, q, row))) * w) * scale) for row, w in zip(self.rows, self.scales)]
        return added(y, self.bias) if self.bias else y


def added(x, y):
    return [f(a + b) for a, b in zip(x, y)]


def rms_norm(x, weight, epsilon):
    r = reciprocal_root(dot(x, x), len(x), epsilon)
    return [f(f(v * r) * w) for v, w in zip(x, weight)]


def layer_norm(x, weight, bias, epsilon):
    mean = f(lanes(x) / len(x))
    d = [f(v - mean) for v in x]
    r = reciprocal_root(dot(d, d), len(x), epsilon)
    return [f(f(f(v * r) * w) + b) for v, w, b in zip(d, weight, bias)]


def rotated(head, row):
    half_dim = len(head) // 2
    pairs = [(head[i], head[i + half_dim], row[i], row[i + half_dim]) for i in range(half_dim)]
    first = [f(f(a * cos) - f(b * sin)) for a, b, cos, sin in pairs]
    return first + [f(f(b * cos) + f(a * sin)) for a, b, cos, sin in pairs]


def split(x, dim):
    return [x[i : i + dim] for i in range(0, len(x), dim)]


class Decoder:
    """The small Llama: three layers, four heads over two of keys, a tied head."""

    WIDTH, WIDE, HEADS, KEY_HEADS, DIM, VOCABULARY, LAYERS = 48, 104, 4, 2, 12, 64, 3

    def __init__(self, layout):
        keys = self.KEY_HEADS * self.DIM
        parts = {
            "self_attn.q_proj": (self.WIDTH, self.WIDTH),
            "self_attn.k_proj": (keys, self.WIDTH),
            "self_attn.v_proj": (keys, self.WIDTH),
            "self_attn.o_proj": (self.WIDTH, self.WIDTH),
            "mlp.gate_proj": (self.WIDE, self.WIDTH),
            "mlp.up_proj": (self.WIDE, self.WIDTH),
            "mlp.down_proj": (self.WIDTH, self.WIDE),
        }
        self.embeddings = Matrix("model.embed_tokens", self.VOCABULARY, self.WIDTH)
        self.norm = weights("model.norm.weight", (self.WIDTH,))
        self.layers = []
        for layer in range(self.LAYERS):
            name = f"model.layers.{layer}."
            matrices = [Matrix(name + part, *shape, layout) for part, shape in parts.items()]
            norms = ("input_layernorm", "post_attention_layernorm")
            self.layers.append((matrices, [weights(f"{name}{norm}.weight", (self.WIDTH,)) for norm in norms]))
        self.table = split(rope_table(256, self.DIM, 10000.0), self.DIM)
        # For each layer and head of keys, the keys and the values of the positions read.
        self.caches = [[([], []) for _ in range(self.KEY_HEADS)] for _ in range(self.LAYERS)]
        self.position = 0

    def read(self, token):
        """The row after each layer; the token stands after those that were read."""
        x, rows, group = self.embeddings.read(token), [], self.HEADS // self.KEY_HEADS
        for (matrices, norms), caches in zip(self.layers, self.caches):
            query, key, value, output, gate, up, down = matrices
            h = rms_norm(x, norms[0], 1e-5)
            heads = split(query(h, A8) + key(h, A8), self.DIM)
            turn = [rotated(head, self.table[self.position]) for head in heads]
            for (keys, values), k, v in zip(caches, turn[self.HEADS :], split(value(h, A8), self.DIM)):
                keys += map(half, k)
                values += map(half, v)
            scale, attended = f(1.0 / math.sqrt(self.DIM)), []
            for head, q in enumerate(turn[: self.HEADS]):
                attended += attention(q, *caches[head // group], scale)
            x = added(x, output(attended, A8))
            h = rms_norm(x, norms[1], 1e-5)
            inner = [f(silu(g) * u) for g, u in zip(gate(h, A8), up(h, A8))]
            x = added(x, down(inner, A16))
            rows.append(x)
        self.position += 1
        return rows

    def logits(self, x):
        return self.embeddings(rms_norm(x, self.norm, 1e-5), A16)


def encoder_rows(layout, tokens):
    """The final hidden rows of the small BERT: two layers, three heads."""
    width, wide, dim = 48, 96, 16
    words = Matrix("embeddings.word_embeddings", 64, width)
    places = Matrix("embeddings.position_embeddings", 32, width)
    kind = Matrix("embeddings.token_type_embeddings", 2, width).read(0)

    def norm(name, x):
        return layer_norm(x, weights(f"{name}.weight", (width,)), weights(f"{name}.bias", (width,)), 1e-12)

    x = [added(added(words.read(token), kind), places.read(p)) for p, token in enumerate(tokens)]
    x = [norm("embeddings.LayerNorm", row) for row in x]
    for layer in range(2):
        name = f"encoder.layer.{layer}."
        sizes = {
            "attention.self.query": (width, width),
            "attention.self.key": (width, width),
            "attention.self.value": (width, width),
            "attention.output.dense": (width, width),
            "intermediate.dense": (wide, width),
            "output.dense": (width, wide),
        }
        matrices = [Matrix(name + part, *size, layout, bias=True) for part, size in sizes.items()]
        query, key, value = ([split(matrix(row, A16), dim) for row in x] for matrix in matrices[:3])
        output, up, down = matrices[3:]
        attended = [[] for _ in tokens]
        for head in range(width // dim):
            keys = [half(v) for row in key for v in row[head]]
            values = [half(v) for row in value for v in row[head]]
            for row, out in zip(query, attended):
                out += attention(row[head], keys, values, f(1.0 / math.sqrt(dim)))
        x = [norm(f"{name}attention.output.LayerNorm", added(output(a, A16), v)) for a, v in zip(attended, x)]
        inner = [[gelu(v) for v in up(row, A16)] for row in x]
        x = [norm(f"{name}output.LayerNorm", added(down(i, A16), v)) for i, v in zip(inner, x)]
    return x


def answer(decoder):
    """The trace of an answer to "w7 w8 w9", with the usual parameters, at most 50 tokens, and a seed of 42s."""
    tokens, seed = [1, 7, 8, 9], bytes([42]) * 32
    rows = [decoder.read(token)[-1] for token in tokens]
    trace, x = b"", rows[-1]
    for _ in range(50):
        logits = decoder.logits(x)
        trace += floats(logits)
        tokens.append(sample(logits, tokens, seed, len(tokens), 700, 40, 950, 1100))
        if tokens[-1] == END:
            break
        x = decoder.read(tokens[-1])[-1]
    return trace


def networks():
    tokens = [(i * 7 + 3) % 64 for i in range(70)]
    found = {}
    for name, layout in (("llama", "W8"), ("llama_w4", "W4")):
        decoder = Decoder(layout)
        rows = [decoder.read(token) for token in tokens]
        if name == "llama":
            layers = zip(*rows)
            found[name] = {
                "hidden_rows_by_layers": [digest(b"".join(map(floats, layer))) for layer in layers],
                "logits_rows": [digest(floats(decoder.logits(row[-1]))) for row in rows],
            }
        else:
            found[name] = {"logits_row": digest(floats(decoder.logits(rows[-1][-1])))}
        found[name]["trace"] = digest(answer(Decoder(layout)))
    for name, layout in (("bert", "W8"), ("bert_w16", "W16")):
        rows = encoder_rows(layout, [1, 7, 8, 9, END])
        found[name] = {"trace": digest(b"".join(map(floats, rows)))}
    return found


def main():
    golden = json.loads(pathlib.Path(__file__).with_name("golden.json").read_text())
    found = operations()
    assert golden["profile"] == "DET-1/1", golden["profile"]
    different = sorted(name for name in golden["operations"] if found.get(name) != golden["operations"][name])
    if different or found.keys() != golden["operations"].keys():
        raise SystemExit(f"these operations differ: {', '.join(different) or 'the list itself'}")
    models = networks()
    results = {(name, what): found for name, model in models.items() for what, found in model.items()}
    different = [f"{name}.{what}" for (name, what), found in results.items() if found != golden["models"][name][what]]
    if different:
        raise SystemExit(f"these results of networks differ: {', '.join(different)}")
    print(f"{len(found)} operations and {len(models)} networks agree")


if __name__ == "__main__":
    main()
