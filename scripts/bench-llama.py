#!/usr/bin/env python3
"""The llama.cpp side of scripts/bench: writes a model of random weights, and measures one. Run by bench-engine.py.

  bench-llama.py write SHAPE FILE      a GGUF file with Q8_0 weights; SHAPE is a JSON object (see bench-engine.py)
  bench-llama.py measure FILE ...      loads the file once, times one prompt and one answer, prints one JSON object

It needs numpy, gguf and llama-cpp-python; LLAMA_CPP_LIB_PATH says which build of the library is loaded.
"""

import argparse
import ctypes
import json
import math
import os
import random
import sys
import time

SEED = 20_260_901
Q8_0_BLOCK = 32


def write(shape, path):
    """Writes tensor by tensor, so that memory holds one tensor at a time."""
    import gguf
    import numpy as np

    hidden, intermediate, vocabulary = shape["hidden"], shape["intermediate"], shape["vocabulary"]
    keys = shape["kv_heads"] * shape["head_dim"]
    tensors = {"token_embd.weight": (vocabulary, hidden)}
    for layer in range(shape["layers"]):
        tensors |= {
            f"blk.{layer}.attn_norm.weight": (hidden,),
            f"blk.{layer}.attn_q.weight": (hidden, hidden),
            f"blk.{layer}.attn_k.weight": (keys, hidden),
            f"blk.{layer}.attn_v.weight": (keys, hidden),
            f"blk.{layer}.attn_output.weight": (hidden, hidden),
            f"blk.{layer}.ffn_norm.weight": (hidden,),
            f"blk.{layer}.ffn_gate.weight": (intermediate, hidden),
            f"blk.{layer}.ffn_up.weight": (intermediate, hidden),
            f"blk.{layer}.ffn_down.weight": (hidden, intermediate),
        }
    tensors["output_norm.weight"] = (hidden,)
    if not shape["tied"]:
        tensors["output.weight"] = (vocabulary, hidden)

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("random")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_vocab_size(vocabulary)
    writer.add_context_length(shape["context"])
    writer.add_embedding_length(hidden)
    writer.add_feed_forward_length(intermediate)
    writer.add_block_count(shape["layers"])
    writer.add_head_count(shape["heads"])
    writer.add_head_count_kv(shape["kv_heads"])
    writer.add_rope_dimension_count(shape["head_dim"])
    writer.add_rope_freq_base(shape["rope_base"])
    writer.add_layer_norm_rms_eps(1e-5)

    # The smallest vocabulary that the library accepts: the special tokens, the bytes, and made-up words.
    kinds = gguf.TokenType
    tokens = [("<unk>", kinds.UNKNOWN), ("<s>", kinds.CONTROL), ("</s>", kinds.CONTROL)]
    tokens += [(f"<0x{byte:02X}>", kinds.BYTE) for byte in range(256)]
    tokens += [(f"word{index}", kinds.NORMAL) for index in range(len(tokens), vocabulary)]
    writer.add_tokenizer_model("llama")
    writer.add_token_list([text for text, _ in tokens])
    writer.add_token_types([kind for _, kind in tokens])
    writer.add_token_scores([0.0] * vocabulary)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)

    # A block is a half-precision scale and 32 signed bytes.
    block = np.dtype([("scale", "<f2"), ("weights", "i1", Q8_0_BLOCK)])
    for name, dimensions in tensors.items():
        size = math.prod(dimensions)
        if len(dimensions) == 1:
            writer.add_tensor_info(name, dimensions, np.dtype("<f4"), 4 * size)
        else:
            bytes_ = size // Q8_0_BLOCK * block.itemsize
            writer.add_tensor_info(name, dimensions, np.dtype("i1"), bytes_, gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    generator = np.random.default_rng(SEED)
    for dimensions in tensors.values():
        size = math.prod(dimensions)
        if len(dimensions) == 1:
            data = np.ones(size, "<f4")
        else:
            data = np.empty(size // Q8_0_BLOCK, block)
            data["weights"] = generator.integers(-127, 128, (size // Q8_0_BLOCK, Q8_0_BLOCK), np.int8)
            # Uniform in [-127, 127] has a deviation of 73.3; the weights' is to be 1 / sqrt(columns), so that a product
            # keeps the magnitude of what enters it.
            data["scale"] = 1 / (73.3 * math.sqrt(dimensions[1]))
        writer.write_tensor_data(data)
    writer.close()


def peak_memory():
    """The most memory that this program had resident, in bytes. (getrusage would count its parent's in as well.)"""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def measure(options):
    import llama_cpp.llama_cpp as llama

    # Keeps the library's errors, drops what else it says. The name must live as long as the library may call it.
    @llama.llama_log_callback
    def errors_only(level, text, _):
        if level == 4:
            sys.stderr.write(text.decode(errors="replace"))

    llama.llama_log_set(errors_only, None)
    llama.llama_backend_init()

    begin = time.monotonic()
    model_parameters = llama.llama_model_default_params()
    model_parameters.load_mode = llama.LLAMA_LOAD_MODE_MMAP
    model = llama.llama_model_load_from_file(options.file.encode(), model_parameters)
    if not model:
        sys.exit(f"bench-llama: the library cannot load {options.file}")
    parameters = llama.llama_context_default_params()
    # The library gives each sequence an equal part of the context, in multiples of 256.
    per_sequence = -(-(options.prompt + options.generate) // 256) * 256
    parameters.n_ctx = per_sequence * options.batch
    parameters.n_seq_max = options.batch
    parameters.n_batch = parameters.n_ubatch = max(512, options.prompt)
    parameters.n_outputs_max = options.batch
    parameters.n_threads = parameters.n_threads_batch = options.threads
    parameters.flash_attn_type = (
        llama.LLAMA_FLASH_ATTN_TYPE_ENABLED if options.flash_attention else llama.LLAMA_FLASH_ATTN_TYPE_DISABLED
    )
    context = llama.llama_init_from_model(model, parameters)
    if not context:
        sys.exit(f"bench-llama: the library cannot make a context of {parameters.n_ctx} tokens")
    load_seconds = time.monotonic() - begin

    vocabulary = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(model))
    draw = random.Random(SEED)
    sequences = [
        [draw.randrange(vocabulary) for _ in range(options.prompt + options.generate)] for _ in range(options.batch)
    ]
    batch = llama.llama_batch_init(parameters.n_batch, 0, 1)

    def compute(rows):
        """One call for rows of (sequence, position, whether its logits are wanted), and a look at the last logits."""
        batch.n_tokens = len(rows)
        for index, (sequence, position, wanted) in enumerate(rows):
            batch.token[index] = sequences[sequence][position]
            batch.pos[index] = position
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = sequence
            batch.logits[index] = wanted
        status = llama.llama_decode(context, batch)
        if status != 0:
            sys.exit(f"bench-llama: llama_decode failed with status {status} on {len(rows)} tokens")
        llama.llama_synchronize(context)
        if not math.isfinite(llama.llama_get_logits_ith(context, len(rows) - 1)[0]):
            sys.exit("bench-llama: the logits are not finite")

    def read_prompts():
        together = parameters.n_batch // options.prompt
        for first in range(0, options.batch, together):
            compute(
                [
                    (sequence, position, position == options.prompt - 1)
                    for sequence in range(first, min(first + together, options.batch))
                    for position in range(options.prompt)
                ]
            )

    # What comes next is known beforehand, as it is in llama-bench: choosing it costs the library no time.
    def generate(count):
        for position in range(options.prompt, options.prompt + count):
            compute([(sequence, position, True) for sequence in range(options.batch)])

    # The first pass brings in the pages of the file and sets up the graphs.
    read_prompts()
    generate(min(2, options.generate))
    llama.llama_memory_clear(llama.llama_get_memory(context), True)

    begin = time.monotonic()
    read_prompts()
    prefill_seconds = time.monotonic() - begin
    begin = time.monotonic()
    generate(options.generate)
    decode_seconds = time.monotonic() - begin

    library = ctypes.CDLL(os.path.join(os.environ["LLAMA_CPP_LIB_PATH"], "libggml-base.so"))
    library.ggml_version.restype = library.ggml_commit.restype = ctypes.c_char_p
    json.dump(
        {
            "ggml_version": library.ggml_version().decode(),
            "llama_cpp_commit": library.ggml_commit().decode(),
            "features": llama.llama_print_system_info().decode().strip(),
            "threads": options.threads,
            "load_seconds": load_seconds,
            "prefill_seconds": prefill_seconds,
            "prefill_tokens": options.batch * options.prompt,
            "decode_seconds": decode_seconds,
            "decode_tokens": options.batch * options.generate,
            "peak_rss_bytes": peak_memory(),
            "weights_bytes": llama.llama_model_size(model),
        },
        sys.stdout,
    )
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("write")
    command.add_argument("shape", type=json.loads)
    command.add_argument("file")
    command = commands.add_parser("measure")
    command.add_argument("file")
    command.add_argument("--threads", type=int, required=True)
    command.add_argument("--prompt", type=int, required=True, help="tokens that are read, in each sequence")
    command.add_argument("--generate", type=int, required=True, help="tokens that follow, in each sequence")
    command.add_argument("--batch", type=int, default=1, help="sequences together")
    command.add_argument("--flash-attention", action="store_true")
    options = parser.parse_args()
    if options.command == "write":
        write(options.shape, options.file)
    else:
        measure(options)


if __name__ == "__main__":
    main()
