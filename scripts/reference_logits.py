"""Compares the engine with PyTorch and transformers; started by scripts/reference-logits with the worker's path.

Every model is made here at random, so nothing is downloaded. Weights have the size that trained ones have (a row's sum
of squares is about 1), norms and biases are far from 1 and 0: what is left out shows.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["HF_HUB_OFFLINE"] = "1"

import gguf
import numpy
import sentencepiece
import tokenizers
import torch
import transformers

transformers.utils.logging.disable_progress_bar()
WORKER = sys.argv[1]
# The lowest acceptable cosine of all logits of a model with the reference's.
LOWEST = 0.999
TOKENS = 120
WIDTH = 256
SHAPE = dict(
    vocab_size=320, hidden_size=WIDTH, intermediate_size=512, num_hidden_layers=3, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=256, rms_norm_eps=1e-6, bos_token_id=256, eos_token_id=257,
    pad_token_id=None, initializer_range=WIDTH**-0.5,
)
LLAMA3 = dict(
    rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
    original_max_position_embeddings=64,
)
# As real files have it: factors are stored, not parameters, and the engine knows the original context of Llama 3.
LLAMA3_REAL = dict(LLAMA3, factor=32.0, original_max_position_embeddings=8192)


def rope(theta=10000.0, **more):
    return dict(rope_type="default", rope_theta=theta) | more


FAMILIES = {
    "Llama": ("Llama", dict(rope_parameters=rope())),
    "Llama, tied head": ("Llama", dict(rope_parameters=rope(), tie_word_embeddings=True)),
    "Llama, linear scaling": ("Llama", dict(rope_parameters=rope(rope_type="linear", factor=4.0))),
    "Llama 3 scaling, biases": ("Llama", dict(rope_parameters=LLAMA3, attention_bias=True)),
    "Llama 3.2": ("Llama", dict(rope_parameters=LLAMA3_REAL)),
    "Mistral, window of 32": ("Mistral", dict(rope_parameters=rope(), sliding_window=32)),
    "Mistral, no window": ("Mistral", dict(rope_parameters=rope(), sliding_window=None)),
    "Qwen 2": ("Qwen2", dict(rope_parameters=rope(1e6))),
    "Qwen 2, window of 32": (
        "Qwen2", dict(rope_parameters=rope(1e6), use_sliding_window=True, sliding_window=32, max_window_layers=0),
    ),
    "Qwen 3": ("Qwen3", dict(rope_parameters=rope(1e6), head_dim=96)),
}

failures = []


def run(*arguments):
    done = subprocess.run([WORKER, "model", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"assay-worker model {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout


def randomise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            values = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() == 2:
                # The embeddings are the residual stream: of size 1.
                parameter.copy_(values if "embed" in name else values * parameter.shape[1] ** -0.5)
            else:
                parameter.copy_(0.3 * values + (1.0 if "norm" in name.lower() and "weight" in name else 0.0))
    return model.eval()


def byte_tokenizer(folder):
    """256 bytes, two special tokens, and words of two letters."""
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: i for i, letter in enumerate(alphabet)}
    vocabulary |= {"<s>": 256, "</s>": 257, "th": 258, "he": 259, "in": 260}
    merges = [("t", "h"), ("h", "e"), ("i", "n")]
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    tokenizer.add_special_tokens(["<s>", "</s>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    return vocabulary, merges


def report(name, ours, reference, floor=LOWEST):
    ours, reference = (numpy.asarray(x, dtype=numpy.float64) for x in (ours, reference))
    error = numpy.abs(ours - reference)
    cosine = lambda a, b: float((a * b).sum() / numpy.sqrt((a * a).sum() * (b * b).sum()))
    rows = min(cosine(a, b) for a, b in zip(ours, reference))
    whole = cosine(ours, reference)
    same = float((ours.argmax(1) == reference.argmax(1)).mean())
    print(
        f"| {name} | {numpy.sqrt((reference**2).mean()):.2f} | {error.max():.3f} | {error.mean():.4f} "
        f"| {whole:.6f} | {rows:.6f} | {100 * same:.0f} % |",
        flush=True,
    )
    if whole < floor:
        failures.append(f"{name}: the cosine is {whole:.6f}, below {floor}")


def logits(folder, tokens):
    lines = run("logits", folder, "--tokens", ",".join(map(str, tokens))).splitlines()
    return [json.loads(line) for line in lines]


def artefact(source, target):
    run("import", "--from", source, "--to", target, "--name", "reference", "--licence", "CC0-1.0")
    return json.loads((target / "manifest.json").read_text())


def old_spelling(config):
    """A configuration as transformers 4 wrote it."""
    config = dict(config)
    parameters = config.pop("rope_parameters")
    config["rope_theta"] = parameters.pop("rope_theta")
    config["rope_scaling"] = parameters if parameters["rope_type"] != "default" else None
    config["torch_dtype"] = config.pop("dtype", "float32")
    return config


def write_gguf(path, model, vocabulary, merges, kind):
    """The file that llama.cpp's converter writes for this model."""
    config = model.config
    family = config.model_type if config.model_type != "mistral" else "llama"
    writer = gguf.GGUFWriter(path, family)
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    parameters = config.rope_parameters
    writer.add_rope_freq_base(parameters["rope_theta"])
    writer.add_rope_dimension_count(head_dim)
    writer.add_vocab_size(config.vocab_size)
    if parameters["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(parameters["factor"])
    if parameters["rope_type"] == "llama3":
        frequencies = parameters["rope_theta"] ** -(torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim)
        changed, _ = transformers.modeling_rope_utils.ROPE_INIT_FUNCTIONS["llama3"](config, torch.device("cpu"))
        writer.add_tensor("rope_freqs.weight", (frequencies / changed).numpy().astype(numpy.float32))
    if getattr(config, "sliding_window", None):
        writer.add_sliding_window(config.sliding_window)
    words = sorted(vocabulary, key=vocabulary.get)
    words += [f"[PAD{i}]" for i in range(len(words), config.vocab_size)]
    types = [3 if word in ("<s>", "</s>") else 5 if word.startswith("[PAD") else 1 for word in words]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(words)
    writer.add_token_types(types)
    if merges:
        writer.add_token_merges([" ".join(pair) for pair in merges])
    writer.add_bos_token_id(config.bos_token_id)
    writer.add_eos_token_id(config.eos_token_id)
    names = gguf.get_tensor_name_map(architecture(family), config.num_hidden_layers)
    tied = config.tie_word_embeddings
    for name, tensor in model.state_dict().items():
        if tied and name == "lm_head.weight":
            continue
        values = tensor.to(torch.float32).numpy()
        if family == "llama" and (".q_proj." in name or ".k_proj." in name):
            heads = config.num_attention_heads if ".q_proj." in name else config.num_key_value_heads
            shape = values.shape
            values = values.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)
        stored = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if values.ndim == 2:
            data = gguf.quants.quantize(numpy.ascontiguousarray(values), kind)
            writer.add_tensor(stored, data, raw_dtype=kind)
        else:
            writer.add_tensor(stored, numpy.ascontiguousarray(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def architecture(family):
    return next(arch for arch, name in gguf.MODEL_ARCH_NAMES.items() if name == family)


def decoders(base):
    print("| model | size of logits | largest error | mean error | cosine | worst row | same first choice |")
    print("|---|---|---|---|---|---|---|")
    for seed, (name, (family, special)) in enumerate(FAMILIES.items()):
        config = getattr(transformers, f"{family}Config")(**(SHAPE | special))
        config._attn_implementation = "eager"
        model = randomise(getattr(transformers, f"{family}ForCausalLM")(config), seed)
        folder, imported = base / f"hf-{seed}", base / f"artefact-{seed}"
        model.save_pretrained(folder)
        vocabulary, merges = byte_tokenizer(folder)
        tokens = torch.randint(0, SHAPE["vocab_size"], (TOKENS,), generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            expected = model(tokens[None]).logits[0].numpy()
        manifest = artefact(folder, imported)
        report(name, logits(imported, tokens.tolist()), expected)
        path = folder / "config.json"
        path.write_text(json.dumps(old_spelling(json.loads(path.read_text()))))
        if artefact(folder, base / f"old-{seed}") != manifest:
            failures.append(f"{name}: the old spelling of the configuration gives another model")
        # These parameters are not those of any real model, so a file's factors do not tell them.
        if special["rope_parameters"] == LLAMA3:
            continue
        for kind, floor in [("F32", LOWEST), ("F16", LOWEST), ("Q8_0", LOWEST), ("Q4_0", 0.9)]:
            file, target = base / f"{seed}-{kind}.gguf", base / f"{seed}-{kind}"
            write_gguf(file, model, vocabulary, merges, gguf.GGMLQuantizationType[kind])
            found = artefact(file, target)
            if kind == "F32" and any(found[part] != manifest[part] for part in ("weights", "architecture", "rope_table")):
                failures.append(f"{name}: the GGUF file gives another model than the folder")
            if kind != "F32":
                report(f"{name}, GGUF {kind}", logits(target, tokens.tolist()), expected, floor)


def encoder(base):
    config = transformers.BertConfig(
        vocab_size=64, hidden_size=WIDTH, intermediate_size=512, num_hidden_layers=3, num_attention_heads=4,
        max_position_embeddings=128,
    )
    config._attn_implementation = "eager"
    model = randomise(transformers.BertModel(config), 99)
    folder, imported = base / "bert", base / "bert-artefact"
    model.save_pretrained(folder)
    words = {word: i for i, word in enumerate(["[UNK]", "[CLS]", "[SEP]", *(f"w{i}" for i in range(61))])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    artefact(folder, imported)
    ours, expected = [], []
    for text in ["w1 w2 w3", "w60", " ".join(f"w{i % 61}" for i in range(0, 700, 7))]:
        with torch.no_grad():
            rows = model(torch.tensor([tokenizer.encode(text).ids])).last_hidden_state[0]
        mean = rows.mean(0)
        expected.append((mean / mean.norm()).numpy())
        ours.append(json.loads(run("run", imported, "--prompt", text).splitlines()[0]))
    report("BERT (vectors of length 1)", ours, expected)


def sentences(base):
    """A SentencePiece model, put into a GGUF file: the imported tokenizer must cut texts as SentencePiece does."""
    text = "\n".join(pathlib.Path(__file__).read_text().splitlines() + ["naïve café 中文 over the hill"] * 20)
    (base / "corpus.txt").write_text(text)
    sentencepiece.SentencePieceTrainer.train(
        input=str(base / "corpus.txt"), model_prefix=str(base / "pieces"), vocab_size=700, model_type="bpe",
        byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False, minloglevel=2,
        character_coverage=0.98, add_dummy_prefix=True, allow_whitespace_only_pieces=True, split_digits=True,
    )
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(base / "pieces.model"))
    size = pieces.get_piece_size()
    config = transformers.LlamaConfig(**(SHAPE | dict(vocab_size=size, rope_parameters=rope(), bos_token_id=1, eos_token_id=2)))
    model = randomise(transformers.LlamaForCausalLM(config), 5)
    file = base / "sentences.gguf"
    write_gguf(file, model, {pieces.id_to_piece(i): i for i in range(size)}, [], gguf.GGMLQuantizationType.F16)
    reader = gguf.GGUFReader(file)
    kinds = [
        2 if pieces.is_unknown(i) else 3 if pieces.is_control(i) else 6 if pieces.is_byte(i) else 1 for i in range(size)
    ]
    writer = gguf.GGUFWriter(base / "spm.gguf", "llama")
    for field in reader.fields.values():
        if field.name.startswith("llama."):
            writer.add_key_value(field.name, field.contents(), field.types[0])
    writer.add_tokenizer_model("llama")
    writer.add_token_list([pieces.id_to_piece(i) for i in range(size)])
    writer.add_token_scores([pieces.get_score(i) for i in range(size)])
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, numpy.array(tensor.data), raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    artefact(base / "spm.gguf", base / "spm")
    tokenizer = tokenizers.Tokenizer.from_file(str(base / "spm" / "tokenizer.json"))
    generator = numpy.random.default_rng(1)
    lines = text.splitlines()
    # Names of control tokens are text to SentencePiece, and tokens to everybody who serves models.
    samples = [line for line in lines if line and "s>" not in line] + [
        "".join(generator.choice(list("the in  of,.12\n\té中😀")) for _ in range(40)) for _ in range(300)
    ]
    different = [line for line in samples if tokenizer.encode(line).ids != pieces.encode(line)]
    wrong = [line for line in samples if tokenizer.decode(tokenizer.encode(line).ids) != line]
    print(f"SentencePiece: {len(different)} of {len(samples)} texts are cut in another way, {len(wrong)} come back changed")
    if different or wrong:
        failures.append(f"SentencePiece: for example {(different + wrong)[0]!r}")


torch.set_num_threads(2)
with tempfile.TemporaryDirectory() as folder:
    decoders(pathlib.Path(folder))
    encoder(pathlib.Path(folder))
    sentences(pathlib.Path(folder))
for failure in failures:
    print(f"error: {failure}", file=sys.stderr)
sys.exit(1 if failures else 0)
