//! The Llama architecture, for training: RMS norm, rotary positions, grouped-query attention, SwiGLU, tied embeddings.

use std::sync::Arc;

use candle_core::{Device, Result, Tensor, Var};
use serde::{Deserialize, Serialize};

use super::{
    ops::{CausalSoftmax, CrossEntropy, Heads, RmsNorm, RotaryTable, SwiGlu},
    rng::Rng,
};

/// What is written to `config.json`, in Hugging Face's words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LlamaConfig {
    /// Always `["LlamaForCausalLM"]`.
    pub architectures: Vec<String>,
    /// Always `"llama"`.
    pub model_type: String,
    /// Number of tokens.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width of the feed-forward layer.
    pub intermediate_size: usize,
    /// Number of blocks.
    pub num_hidden_layers: usize,
    /// Number of query heads.
    pub num_attention_heads: usize,
    /// Number of key and value heads.
    pub num_key_value_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Longest context, in tokens.
    pub max_position_embeddings: usize,
    /// Added to the mean square in the norms.
    pub rms_norm_eps: f64,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// Always `"silu"`.
    pub hidden_act: String,
    /// Always false: no biases.
    pub attention_bias: bool,
    /// Always false: no biases.
    pub mlp_bias: bool,
    /// Always true: the output matrix is the embedding.
    pub tie_word_embeddings: bool,
    /// The token that starts a document.
    pub bos_token_id: u32,
    /// The token that ends a document.
    pub eos_token_id: u32,
    /// Standard deviation of the first weights.
    pub initializer_range: f64,
    /// Always `"float32"`.
    pub torch_dtype: String,
}

struct Block {
    attention_norm: Var,
    q: Var,
    k: Var,
    v: Var,
    o: Var,
    mlp_norm: Var,
    gate: Var,
    up: Var,
    down: Var,
}

/// A model whose weights can be trained.
pub(super) struct Llama {
    pub(super) config: LlamaConfig,
    table: Arc<RotaryTable>,
    embedding: Var,
    blocks: Vec<Block>,
    norm: Var,
}

impl Llama {
    /// First weights from a seed: normal with `initializer_range`, smaller for what is added to the residual stream.
    pub(super) fn new(config: LlamaConfig, seed: u64) -> Result<Self> {
        let mut stream = 0;
        let mut matrix = |rows: usize, columns: usize, scale: f64| {
            stream += 1;
            let mut rng = Rng::new(seed, stream);
            let std = (config.initializer_range * scale) as f32;
            let data: Vec<f32> = (0..rows * columns).map(|_| rng.normal() * std).collect();
            Var::from_vec(data, (rows, columns), &Device::Cpu)
        };
        let ones = || Var::from_vec(vec![1f32; config.hidden_size], config.hidden_size, &Device::Cpu);
        let (d, f) = (config.hidden_size, config.intermediate_size);
        let (q, kv) = (config.num_attention_heads * config.head_dim, config.num_key_value_heads * config.head_dim);
        let residual = 1.0 / (2.0 * config.num_hidden_layers as f64).sqrt();
        let embedding = matrix(config.vocab_size, d, 1.0)?;
        let blocks = (0..config.num_hidden_layers)
            .map(|_| {
                Ok(Block {
                    attention_norm: ones()?,
                    q: matrix(q, d, 1.0)?,
                    k: matrix(kv, d, 1.0)?,
                    v: matrix(kv, d, 1.0)?,
                    o: matrix(d, q, residual)?,
                    mlp_norm: ones()?,
                    gate: matrix(f, d, 1.0)?,
                    up: matrix(f, d, 1.0)?,
                    down: matrix(d, f, residual)?,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let table = RotaryTable::new(config.max_position_embeddings, config.head_dim, config.rope_theta);
        Ok(Self { table: Arc::new(table), embedding, blocks, norm: ones()?, config })
    }

    /// Every weight with its Hugging Face name, always in the same order.
    pub(super) fn weights(&self) -> Vec<(String, &Var)> {
        let mut all = vec![("model.embed_tokens.weight".to_string(), &self.embedding)];
        for (i, block) in self.blocks.iter().enumerate() {
            for (name, var) in [
                ("input_layernorm", &block.attention_norm),
                ("self_attn.q_proj", &block.q),
                ("self_attn.k_proj", &block.k),
                ("self_attn.v_proj", &block.v),
                ("self_attn.o_proj", &block.o),
                ("post_attention_layernorm", &block.mlp_norm),
                ("mlp.gate_proj", &block.gate),
                ("mlp.up_proj", &block.up),
                ("mlp.down_proj", &block.down),
            ] {
                all.push((format!("model.layers.{i}.{name}.weight"), var));
            }
        }
        all.push(("model.norm.weight".to_string(), &self.norm));
        all
    }

    /// Number of weights.
    pub(super) fn parameters(&self) -> usize {
        self.weights().iter().map(|(_, var)| var.elem_count()).sum()
    }

    /// Logits `[batch * time, vocabulary]` for `batch` rows of `time` tokens.
    pub(super) fn forward(&self, tokens: &[u32], batch: usize) -> Result<Tensor> {
        let config = &self.config;
        let time = tokens.len() / batch;
        let (q_heads, kv_heads, width) = (config.num_attention_heads, config.num_key_value_heads, config.head_dim);
        let group = q_heads / kv_heads;
        let eps = config.rms_norm_eps as f32;
        let split = |x: Tensor, heads: usize, table: Option<&Arc<RotaryTable>>| {
            x.reshape((batch, time, heads * width))?.apply_op1(Heads { heads, table: table.cloned(), merge: false })
        };
        let ids = Tensor::new(tokens, &Device::Cpu)?;
        let mut x = self.embedding.index_select(&ids, 0)?;
        for block in &self.blocks {
            let h = x.apply_op2(&block.attention_norm, RmsNorm { eps })?;
            let q = split(linear(&h, &block.q)?, q_heads, Some(&self.table))?;
            let k = split(linear(&h, &block.k)?, kv_heads, Some(&self.table))?;
            let v = split(linear(&h, &block.v)?, kv_heads, None)?;
            // Query heads that share a key head lie next to one another: they form one taller matrix.
            let scores = q.reshape((batch, kv_heads, group * time, width))?.matmul(&k.t()?)?;
            let weights = scores.apply_op1(CausalSoftmax { scale: 1.0 / (width as f32).sqrt() })?;
            let mixed = weights.matmul(&v)?.reshape((batch, q_heads, time, width))?;
            let mixed = mixed.apply_op1(Heads { heads: q_heads, table: None, merge: true })?;
            x = (x + linear(&mixed.reshape((batch * time, q_heads * width))?, &block.o)?)?;
            let h = x.apply_op2(&block.mlp_norm, RmsNorm { eps })?;
            let inner = linear(&h, &block.gate)?.apply_op2(&linear(&h, &block.up)?, SwiGlu)?;
            x = (x + linear(&inner, &block.down)?)?;
        }
        linear(&x.apply_op2(&self.norm, RmsNorm { eps })?, &self.embedding)
    }

    /// The mean cross entropy, in nats per token, of `targets` after `tokens`.
    pub(super) fn loss(&self, tokens: &[u32], targets: Vec<u32>, batch: usize) -> Result<Tensor> {
        self.forward(tokens, batch)?.apply_op1(CrossEntropy { targets: Arc::new(targets) })
    }
}

fn linear(x: &Tensor, weight: &Var) -> Result<Tensor> {
    x.matmul(&weight.t()?)
}
