//! What a run leaves on disk: the Hugging Face folder, and the state from which the run can go on.

use std::{
    collections::HashMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{anyhow, bail, Context, Result};
use candle_core::Tensor;
use safetensors::{tensor::TensorView, Dtype, SafeTensors};
use serde::{Deserialize, Serialize};

use super::{model::Llama, optim::Moments};

/// Where a run stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Steps done.
    pub(super) step: u64,
    /// Seconds of training, over all sittings.
    pub(super) seconds: f64,
    /// What must be the same for the run to go on: corpus, sizes, seed.
    pub(super) recipe: serde_json::Value,
}

/// Writes a file whole or not at all.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let partial = partial(path);
    let write = || {
        let mut file = fs::File::create(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&partial, path)
    };
    write().map_err(|error| {
        // A half-written file is of no use, and the disk may be full.
        let _ = fs::remove_file(&partial);
        anyhow!("cannot write {}: {error}", path.display())
    })
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".part");
    path.with_file_name(name)
}

type Named = (String, Vec<usize>, Vec<u8>);

fn safetensors(tensors: &[Named], metadata: HashMap<String, String>) -> Result<Vec<u8>> {
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
    Ok(safetensors::serialize(views, Some(metadata))?)
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn weights(model: &Llama) -> Result<Vec<Named>> {
    let named = |(name, var): (String, &candle_core::Var)| {
        Ok((name, var.dims().to_vec(), bytes(&var.flatten_all()?.to_vec1()?)))
    };
    model.weights().into_iter().map(named).collect()
}

/// Writes `model.safetensors` into the Hugging Face folder.
pub(super) fn save_weights(model: &Llama, folder: &Path) -> Result<()> {
    let metadata = HashMap::from([("format".to_string(), "pt".to_string())]);
    write_file(&folder.join("model.safetensors"), &safetensors(&weights(model)?, metadata)?)
}

/// Writes weights, moments and progress into one file.
pub(super) fn save_state(model: &Llama, moments: &[Moments], progress: &Progress, path: &Path) -> Result<()> {
    let mut tensors = weights(model)?;
    for ((name, _), moments) in model.weights().into_iter().zip(moments) {
        tensors.push((format!("first.{name}"), vec![moments.first.len()], bytes(&moments.first)));
        tensors.push((format!("second.{name}"), vec![moments.second.len()], bytes(&moments.second)));
    }
    let metadata = HashMap::from([("progress".to_string(), serde_json::to_string(progress)?)]);
    write_file(path, &safetensors(&tensors, metadata)?)
}

/// Reads what [`save_state`] wrote into `model` and `moments`.
pub(super) fn load_state(
    model: &Llama,
    moments: &mut [Moments],
    recipe: &serde_json::Value,
    path: &Path,
) -> Result<Progress> {
    let file = fs::read(path).with_context(|| format!("nothing to resume: cannot read {}", path.display()))?;
    let broken = || format!("{} is not a training state", path.display());
    let (_, header) = SafeTensors::read_metadata(&file).with_context(broken)?;
    let progress = header.metadata().as_ref().and_then(|all| all.get("progress")).with_context(broken)?;
    let progress: Progress = serde_json::from_str(progress).with_context(broken)?;
    if &progress.recipe != recipe {
        bail!("{} belongs to another run: {} is not {recipe}", path.display(), progress.recipe);
    }
    let tensors = SafeTensors::deserialize(&file).with_context(broken)?;
    let read = |name: &str| -> Result<Vec<f32>> {
        let data = tensors.tensor(name).with_context(broken)?;
        Ok(data.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
    };
    for ((name, var), moments) in model.weights().into_iter().zip(moments) {
        var.set(&Tensor::from_vec(read(&name)?, var.shape(), var.device())?)?;
        moments.first = read(&format!("first.{name}"))?;
        moments.second = read(&format!("second.{name}"))?;
    }
    Ok(progress)
}
