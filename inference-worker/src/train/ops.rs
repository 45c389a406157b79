//! Fused CPU operations with gradients.
//!
//! A transformer written from elementary tensor operations spends more time in copying than in multiplying on a small
//! machine. Each operation here does in one pass what would take five to fifteen, and knows its own gradient.

use std::sync::Arc;

use candle_core::{bail, CpuStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};

/// The values of a contiguous f32 tensor.
fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let CpuStorage::F32(all) = storage else { bail!("only f32 tensors can be trained") };
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&all[start..end]),
        None => bail!("a fused operation needs a contiguous tensor"),
    }
}

/// `y = x / sqrt(mean(x^2) + eps) * w`, over the last axis. Arguments: x, w.
pub(super) struct RmsNorm {
    /// Added to the mean square so that nothing is divided by nought.
    pub(super) eps: f32,
}

fn inverse_rms(row: &[f32], eps: f32) -> f32 {
    let sum: f32 = row.iter().map(|x| x * x).sum();
    1.0 / (sum / row.len() as f32 + eps).sqrt()
}

impl CustomOp2 for RmsNorm {
    fn name(&self) -> &'static str {
        "rms-norm"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, w) = (values(s1, l1)?, values(s2, l2)?);
        let mut out = Vec::with_capacity(x.len());
        for row in x.chunks_exact(w.len()) {
            let scale = inverse_rms(row, self.eps);
            out.extend(row.iter().zip(w).map(|(x, w)| x * scale * w));
        }
        Ok((CpuStorage::F32(out), l1.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, w: &Tensor, _: &Tensor, g: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let g = g.contiguous()?;
        let gx = x.apply_op3_no_bwd(w, &g, &RmsNormInput { eps: self.eps })?;
        let gw = x.apply_op2_no_bwd(&g, &RmsNormWeight { eps: self.eps })?;
        Ok((Some(gx), Some(gw)))
    }
}

/// Gradient of [`RmsNorm`] with respect to its input. Arguments: x, w, gradient.
struct RmsNormInput {
    eps: f32,
}

impl CustomOp3 for RmsNormInput {
    fn name(&self) -> &'static str {
        "rms-norm-input-gradient"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, w, g) = (values(s1, l1)?, values(s2, l2)?, values(s3, l3)?);
        let width = w.len();
        let mut out = Vec::with_capacity(x.len());
        for (x, g) in x.chunks_exact(width).zip(g.chunks_exact(width)) {
            let scale = inverse_rms(x, self.eps);
            let dot: f32 = x.iter().zip(g).zip(w).map(|((x, g), w)| x * g * w).sum();
            let back = dot * scale * scale * scale / width as f32;
            out.extend(x.iter().zip(g).zip(w).map(|((x, g), w)| g * w * scale - x * back));
        }
        Ok((CpuStorage::F32(out), l1.shape().clone()))
    }
}

/// Gradient of [`RmsNorm`] with respect to its weight. Arguments: x, gradient.
struct RmsNormWeight {
    eps: f32,
}

impl CustomOp2 for RmsNormWeight {
    fn name(&self) -> &'static str {
        "rms-norm-weight-gradient"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, g) = (values(s1, l1)?, values(s2, l2)?);
        let width = *l1.dims().last().unwrap_or(&1);
        let mut out = vec![0f32; width];
        for (x, g) in x.chunks_exact(width).zip(g.chunks_exact(width)) {
            let scale = inverse_rms(x, self.eps);
            out.iter_mut().zip(x).zip(g).for_each(|((out, x), g)| *out += x * g * scale);
        }
        Ok((CpuStorage::F32(out), Shape::from(width)))
    }
}

/// `silu(gate) * up`. Arguments: gate, up.
pub(super) struct SwiGlu;

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

impl CustomOp2 for SwiGlu {
    fn name(&self) -> &'static str {
        "swiglu"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let (gate, up) = (values(s1, l1)?, values(s2, l2)?);
        let out = gate.iter().zip(up).map(|(g, u)| g * sigmoid(*g) * u).collect();
        Ok((CpuStorage::F32(out), l1.shape().clone()))
    }

    fn bwd(&self, gate: &Tensor, up: &Tensor, _: &Tensor, g: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let g = g.contiguous()?;
        let ggate = gate.apply_op3_no_bwd(up, &g, &SwiGluGate)?;
        let gup = gate.apply_op2_no_bwd(&g, &SwiGlu)?;
        Ok((Some(ggate), Some(gup)))
    }
}

/// Gradient of [`SwiGlu`] with respect to the gate. Arguments: gate, up, gradient.
struct SwiGluGate;

impl CustomOp3 for SwiGluGate {
    fn name(&self) -> &'static str {
        "swiglu-gate-gradient"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (gate, up, g) = (values(s1, l1)?, values(s2, l2)?, values(s3, l3)?);
        let slope = |((x, u), g): ((&f32, &f32), &f32)| {
            let s = sigmoid(*x);
            g * u * s * (1.0 + x * (1.0 - s))
        };
        Ok((CpuStorage::F32(gate.iter().zip(up).zip(g).map(slope).collect()), l1.shape().clone()))
    }
}

/// `softmax(scale * x)` over the last axis, in which row `r` sees only its first `r % columns + 1` columns.
/// The input is `[.., rows, columns]` where `rows` is a multiple of `columns`.
pub(super) struct CausalSoftmax {
    /// Factor on the scores: one over the root of the head's width.
    pub(super) scale: f32,
}

impl CustomOp1 for CausalSoftmax {
    fn name(&self) -> &'static str {
        "causal-softmax"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(storage, layout)?;
        let columns = *layout.dims().last().unwrap_or(&1);
        let mut out = vec![0f32; x.len()];
        for (index, (row, out)) in x.chunks_exact(columns).zip(out.chunks_exact_mut(columns)).enumerate() {
            let seen = index % columns + 1;
            let (row, out) = (&row[..seen], &mut out[..seen]);
            let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            out.iter_mut().zip(row).for_each(|(out, x)| *out = ((x - top) * self.scale).exp());
            let inverse = 1.0 / out.iter().sum::<f32>();
            out.iter_mut().for_each(|x| *x *= inverse);
        }
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, p: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        p.apply_op2_no_bwd(&g.contiguous()?, &CausalSoftmaxInput { scale: self.scale }).map(Some)
    }
}

/// Gradient of [`CausalSoftmax`]. Arguments: its result, gradient.
struct CausalSoftmaxInput {
    scale: f32,
}

impl CustomOp2 for CausalSoftmaxInput {
    fn name(&self) -> &'static str {
        "causal-softmax-gradient"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let (p, g) = (values(s1, l1)?, values(s2, l2)?);
        let columns = *l1.dims().last().unwrap_or(&1);
        let mut out = vec![0f32; p.len()];
        let rows = p.chunks_exact(columns).zip(g.chunks_exact(columns));
        for (index, ((p, g), out)) in rows.zip(out.chunks_exact_mut(columns)).enumerate() {
            let seen = index % columns + 1;
            let (p, g) = (&p[..seen], &g[..seen]);
            let dot: f32 = p.iter().zip(g).map(|(p, g)| p * g).sum();
            out.iter_mut().zip(p).zip(g).for_each(|((out, p), g)| *out = p * (g - dot) * self.scale);
        }
        Ok((CpuStorage::F32(out), l1.shape().clone()))
    }
}

/// Cosines and sines of the rotary position embedding, `[positions, width / 2]`.
pub(super) struct RotaryTable {
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl RotaryTable {
    /// The table for heads of `width`, with the usual frequencies `theta^(-2i/width)`.
    pub(super) fn new(positions: usize, width: usize, theta: f64) -> Self {
        let half = width / 2;
        let angle = |i: usize| (i / half) as f64 * theta.powf(-((i % half) as f64) / half as f64);
        Self {
            cos: (0..positions * half).map(|i| angle(i).cos() as f32).collect(),
            sin: (0..positions * half).map(|i| angle(i).sin() as f32).collect(),
        }
    }
}

/// Moves between `[batch, time, heads * width]` and `[batch, heads, time, width]`, and turns the pairs of each head by
/// its position on the way if there is a table (half-split pairs, as Hugging Face's Llama has them). Going from heads
/// back to rows turns the other way, so each direction is the other's gradient.
#[derive(Clone)]
pub(super) struct Heads {
    /// Number of heads.
    pub(super) heads: usize,
    /// The rotation; none for values and for outputs.
    pub(super) table: Option<Arc<RotaryTable>>,
    /// True: from heads to rows.
    pub(super) merge: bool,
}

impl CustomOp1 for Heads {
    fn name(&self) -> &'static str {
        "heads"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(storage, layout)?;
        let (batch, time, width) = if self.merge {
            let (b, _, t, d) = layout.shape().dims4()?;
            (b, t, d)
        } else {
            let (b, t, d) = layout.shape().dims3()?;
            (b, t, d / self.heads)
        };
        let (heads, half) = (self.heads, width / 2);
        let mut out = vec![0f32; x.len()];
        for b in 0..batch {
            for t in 0..time {
                for h in 0..heads {
                    let row = ((b * time + t) * heads + h) * width;
                    let head = ((b * heads + h) * time + t) * width;
                    let (from, to) = if self.merge { (head, row) } else { (row, head) };
                    let (from, to) = (&x[from..from + width], &mut out[to..to + width]);
                    let Some(table) = &self.table else {
                        to.copy_from_slice(from);
                        continue;
                    };
                    let (cos, sin) = (&table.cos[t * half..][..half], &table.sin[t * half..][..half]);
                    let (low, high) = from.split_at(half);
                    let (to_low, to_high) = to.split_at_mut(half);
                    let sign = if self.merge { -1.0 } else { 1.0 };
                    for i in 0..half {
                        let s = sign * sin[i];
                        to_low[i] = low[i] * cos[i] - high[i] * s;
                        to_high[i] = high[i] * cos[i] + low[i] * s;
                    }
                }
            }
        }
        let shape = if self.merge {
            Shape::from((batch, time, heads * width))
        } else {
            Shape::from((batch, heads, time, width))
        };
        Ok((CpuStorage::F32(out), shape))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        g.contiguous()?.apply_op1_no_bwd(&Self { merge: !self.merge, ..self.clone() }).map(Some)
    }
}

/// The mean cross entropy, in nats, of logits `[rows, vocabulary]` against one right answer for each row.
pub(super) struct CrossEntropy {
    /// The right answers.
    pub(super) targets: Arc<Vec<u32>>,
}

impl CustomOp1 for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross-entropy"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, width) = layout.shape().dims2()?;
        let mut total = 0f64;
        for (row, target) in values(storage, layout)?.chunks_exact(width).zip(self.targets.iter()) {
            let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f32 = row.iter().map(|x| (x - top).exp()).sum();
            total += f64::from(top + sum.ln() - row[*target as usize]);
        }
        Ok((CpuStorage::F32(vec![(total / rows as f64) as f32]), Shape::from(())))
    }

    fn bwd(&self, logits: &Tensor, _: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        let op = CrossEntropyInput { targets: self.targets.clone(), factor: g.to_scalar()? };
        logits.apply_op1_no_bwd(&op).map(Some)
    }
}

/// Gradient of [`CrossEntropy`].
struct CrossEntropyInput {
    targets: Arc<Vec<u32>>,
    factor: f32,
}

impl CustomOp1 for CrossEntropyInput {
    fn name(&self) -> &'static str {
        "cross-entropy-gradient"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, width) = layout.shape().dims2()?;
        let x = values(storage, layout)?;
        let factor = self.factor / rows as f32;
        let mut out = vec![0f32; x.len()];
        let pairs = x.chunks_exact(width).zip(out.chunks_exact_mut(width));
        for ((row, out), target) in pairs.zip(self.targets.iter()) {
            let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            out.iter_mut().zip(row).for_each(|(out, x)| *out = (x - top).exp());
            let scale = factor / out.iter().sum::<f32>();
            out.iter_mut().for_each(|x| *x *= scale);
            out[*target as usize] -= factor;
        }
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }
}
