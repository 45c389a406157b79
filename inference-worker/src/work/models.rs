//! The models that this worker runs: loaded from disk, found on chain, timed as they run.

use crate::{chain::types, failure::Failure};
use assay_engine::{
    manifest::{Kind, MANIFEST_FILE},
    EngineError, Manifest, Model, Threads,
};
use assay_types::{inference::Parameters, Cid, ModelId};
use codec::DecodeAll;
use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicBool, Ordering},
        Arc, Mutex,
    },
    time::{Duration, Instant},
};

/// Share of a new measurement in the running mean of a model's speed.
const WEIGHT: f64 = 0.3;

/// A model on disk.
pub struct Local {
    /// Its folder.
    pub folder: PathBuf,
    /// The model, ready to run.
    pub model: Model,
    /// Seconds for each token, as measured so far.
    speed: Mutex<Option<f64>>,
}

/// What a run gave.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The encoded output.
    pub output: Vec<u8>,
    /// Digest of everything that was computed at generated positions.
    pub trace: assay_types::TraceDigest,
    /// Tokens generated or read.
    pub tokens: usize,
    /// How long it took.
    pub seconds: f64,
}

impl Local {
    /// Loads the artefact in `folder` and checks every hash in it.
    ///
    /// # Errors
    /// What is wrong with it, in one line that names the folder.
    pub fn load(folder: &Path, threads: &Arc<Threads>) -> Result<Self, Failure> {
        let model = Model::load(folder, threads)
            .map_err(|error| Failure::Model(format!("cannot load the model in {}: {error}", folder.display())))?;
        Ok(Self { folder: folder.into(), model, speed: Mutex::default() })
    }

    /// Name for people.
    pub fn name(&self) -> &str {
        &self.model.manifest().name
    }

    /// The model's identity.
    pub fn cid(&self) -> Cid {
        self.model.cid()
    }

    /// Runs the model until it is done or `stop` is set, and takes the time.
    ///
    /// # Errors
    /// Any of the engine's.
    pub fn run(
        &self,
        input: &[u8],
        parameters: &[u8],
        seed: [u8; 32],
        stop: &AtomicBool,
    ) -> Result<Answer, EngineError> {
        let begin = Instant::now();
        let answer = self.model.run(input, parameters, seed, &mut |_| {
            if stop.load(Ordering::Relaxed) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        Ok(self.took(answer, begin.elapsed(), true))
    }

    /// An answer and how long it took; `learn` says whether later ones of this model are expected to take as long.
    pub fn took(&self, answer: assay_engine::Answer, time: Duration, learn: bool) -> Answer {
        let seconds = time.as_secs_f64();
        let measured = seconds / answer.tokens.max(1) as f64;
        if let Some(mut speed) = self.speed.lock().ok().filter(|_| learn) {
            *speed = Some(speed.map_or(measured, |old| old + WEIGHT * (measured - old)));
        }
        Answer { output: answer.output, trace: answer.trace, tokens: answer.tokens, seconds }
    }

    /// Seconds that a run with these parameters is expected to take; nothing is expected of a model that never ran.
    pub fn expected_seconds(&self, parameters: &[u8]) -> u64 {
        let speed = self.speed.lock().ok().and_then(|speed| *speed).unwrap_or_default();
        let tokens = match Parameters::decode_all(&mut &*parameters) {
            Ok(Parameters::Text(parameters)) => f64::from(parameters.max_tokens),
            // Embeddings read at most a few hundred tokens and are timed by those that came.
            Ok(Parameters::Embedding) => 64.0,
            Err(_) => 0.0,
        };
        (speed * tokens).ceil() as u64
    }
}

/// A model that is served: on disk and on chain.
#[derive(Clone)]
pub struct Served {
    /// Its id on chain.
    pub id: ModelId,
    /// The model on disk.
    pub local: Arc<Local>,
}

/// Finds each local model on chain by the content id of its manifest.
///
/// # Errors
/// A model is not registered, is retired, or is registered more than once and `ids` names none of its registrations.
pub fn find(locals: Vec<Arc<Local>>, registered: &[types::Model], ids: &[ModelId]) -> Result<Vec<Served>, Failure> {
    let mut served = Vec::new();
    for local in locals {
        let name = format!("the model {} in {}", local.name(), local.folder.display());
        let found: Vec<_> = registered.iter().filter(|model| model.manifest == local.cid()).collect();
        let chosen: Vec<_> = found.iter().filter(|model| ids.is_empty() || ids.contains(&model.id)).collect();
        match chosen.as_slice() {
            [one] if one.retired => {
                return Err(Failure::Model(format!("{name} is retired on this chain")));
            }
            [one] => served.push(Served { id: one.id, local }),
            [] if found.is_empty() => {
                let cid = local.cid();
                return Err(Failure::Model(format!(
                    "{name} (manifest {cid}) is not registered on this chain: register it with `model register`"
                )));
            }
            [] => {
                return Err(Failure::Model(format!("{name} is registered under none of the ids that --model-id names")))
            }
            [_, ..] if !ids.is_empty() => {
                served.extend(chosen.iter().map(|model| Served { id: model.id, local: local.clone() }))
            }
            _ => {
                let ids: Vec<_> = found.iter().map(|model| format!("{:?}", model.id)).collect();
                return Err(Failure::Model(format!(
                    "{name} is registered more than once: choose with --model-id among {}",
                    ids.join(", ")
                )));
            }
        }
    }
    Ok(served)
}

/// The artefacts in `folders`: each is one itself, or holds some.
pub fn folders(folders: &[PathBuf]) -> Vec<PathBuf> {
    let is_artefact = |folder: &Path| folder.join(MANIFEST_FILE).is_file();
    let mut found = Vec::new();
    for folder in folders {
        if is_artefact(folder) {
            found.push(folder.clone());
            continue;
        }
        let mut inside: Vec<_> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| is_artefact(path))
            .collect();
        inside.sort();
        // A folder that holds none is kept, so that loading it says what is missing.
        if inside.is_empty() {
            found.push(folder.clone());
        } else {
            found.append(&mut inside);
        }
    }
    found
}

/// A model that an artefact on disk names.
pub struct Known {
    /// The artefact's folder.
    pub folder: PathBuf,
    /// Name for people.
    pub name: String,
    /// The model's identity.
    pub manifest: Cid,
    /// What it does.
    pub kind: Kind,
}

/// The artefacts in `folders`, by their manifests alone.
///
/// # Errors
/// A manifest cannot be read.
pub fn known(folders: &[PathBuf]) -> Result<Vec<Known>, Failure> {
    let mut known = Vec::new();
    for folder in self::folders(folders) {
        let path = folder.join(MANIFEST_FILE);
        let failed = |reason: String| Failure::Model(format!("cannot read {}: {reason}", path.display()));
        let bytes = std::fs::read(&path).map_err(|error| failed(error.to_string()))?;
        let manifest = Manifest::from_bytes(&bytes).map_err(|error| failed(error.to_string()))?;
        known.push(Known { folder, manifest: manifest.cid(), kind: manifest.kind, name: manifest.name });
    }
    Ok(known)
}
