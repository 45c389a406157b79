//! AdamW with decoupled weight decay, clipping by the global norm, and the learning rate's course.

use candle_core::{Result, Tensor, Var};

/// How weights move.
#[derive(Clone, Copy, Debug)]
pub(super) struct AdamW {
    pub(super) beta1: f64,
    pub(super) beta2: f64,
    pub(super) eps: f64,
    /// On matrices only; norms keep their size.
    pub(super) weight_decay: f64,
    /// Largest global norm of a gradient.
    pub(super) clip: f64,
}

/// The two running means of one weight.
pub(super) struct Moments {
    pub(super) first: Vec<f32>,
    pub(super) second: Vec<f32>,
}

impl Moments {
    /// Nothing seen yet.
    pub(super) fn zero(size: usize) -> Self {
        Self { first: vec![0.0; size], second: vec![0.0; size] }
    }
}

impl AdamW {
    /// Moves every weight once. `step` counts from one. Returns the gradient's norm before clipping.
    pub(super) fn step(
        &self,
        weights: &[&Var],
        gradients: &[Vec<f32>],
        moments: &mut [Moments],
        rate: f64,
        step: u64,
    ) -> Result<f64> {
        let norm = gradients.iter().flatten().map(|g| f64::from(*g) * f64::from(*g)).sum::<f64>().sqrt();
        let clip = if norm > self.clip { (self.clip / norm) as f32 } else { 1.0 };
        let (beta1, beta2) = (self.beta1 as f32, self.beta2 as f32);
        let power = i32::try_from(step).unwrap_or(i32::MAX);
        let size = (rate / (1.0 - self.beta1.powi(power))) as f32;
        let root = (1.0 / (1.0 - self.beta2.powi(power))).sqrt() as f32;
        let eps = self.eps as f32;
        for ((var, gradient), moments) in weights.iter().zip(gradients).zip(moments) {
            let decay = if var.dims().len() > 1 { (1.0 - rate * self.weight_decay) as f32 } else { 1.0 };
            let mut values: Vec<f32> = var.flatten_all()?.to_vec1()?;
            let running = moments.first.iter_mut().zip(moments.second.iter_mut());
            for ((value, g), (m, v)) in values.iter_mut().zip(gradient).zip(running) {
                let g = g * clip;
                *m += (g - *m) * (1.0 - beta1);
                *v += (g * g - *v) * (1.0 - beta2);
                *value = *value * decay - size * *m / (v.sqrt() * root + eps);
            }
            var.set(&Tensor::from_vec(values, var.shape(), var.device())?)?;
        }
        Ok(norm)
    }
}

/// The learning rate at `step` (from nought): a linear rise, then half a cosine down to a twentieth of `peak`.
pub(super) fn learning_rate(step: u64, steps: u64, warmup: u64, peak: f64) -> f64 {
    if step < warmup {
        return peak * (step + 1) as f64 / warmup as f64;
    }
    let rest = steps.saturating_sub(warmup).max(1) as f64;
    let done = ((step - warmup) as f64 / rest).min(1.0);
    let floor = 0.05;
    peak * (floor + (1.0 - floor) * 0.5 * (1.0 + (std::f64::consts::PI * done).cos()))
}
