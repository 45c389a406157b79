//! Making an artefact from a model of others: a Hugging Face folder or a GGUF file. The quantiser is exact arithmetic,
//! so one source gives the same bytes, and so the same identity, on every machine.
//!
//! A source may be hostile: whatever its bytes are, the result is an artefact or an error that names what is wrong,
//! with memory in proportion to the source's size. What a source says that the engine does not have is refused by name,
//! never ignored: an artefact that loads computes what its source computes, up to quantisation.

mod gguf;
mod huggingface;

use crate::{
    artefact::{specs, Spec, Tensors},
    llama,
    manifest::{
        Activations, Architecture, ChatTemplate, EmbeddingRules, File, Kind, LayerWeights, TextRules, MANIFEST_FILE,
        PROMPT_MARK, TEMPLATE_LIBRARY, TOKENIZER_FILE, TOKENIZER_LIBRARY, WEIGHTS_FILE,
    },
    model::{read_tokenizer, Model},
    template,
    threads::Threads,
    EngineError, Manifest,
};
use memmap2::Mmap;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A prompt that every chat template must be able to put to its model.
const SAMPLE_PROMPT: &str = "What is two plus two?";

/// What the source does not say about itself.
#[derive(Clone, Debug)]
pub struct Options {
    /// Name for people.
    pub name: String,
    /// The licence of the weights, as an SPDX expression.
    pub licence: String,
    /// Where the weights come from.
    pub source: String,
    /// Text around a prompt; [`PROMPT_MARK`] stands for it. Where there is a chat template, this is the message.
    pub template: String,
    /// Whether the source's chat template is kept, where it has one.
    pub chat_template: bool,
    /// Shorter context than the source's.
    pub max_context: Option<usize>,
    /// Precision of activations, where it is not to be the usual one of the architecture.
    pub activations: Option<Activations>,
    /// How the matrices of the layers are stored, where that is not to be the usual way of the architecture.
    pub layer_weights: Option<LayerWeights>,
}

impl Options {
    /// The usual choices: the prompt alone, the source's chat template, the whole context, the default precisions.
    pub fn new(name: &str, licence: &str, source: &str) -> Self {
        Self {
            name: name.into(),
            licence: licence.into(),
            source: source.into(),
            template: PROMPT_MARK.into(),
            chat_template: true,
            max_context: None,
            activations: None,
            layer_weights: None,
        }
    }
}

/// An artefact in memory.
pub struct Artefact {
    /// The manifest.
    pub manifest: Manifest,
    /// The weights file.
    pub weights: Vec<u8>,
    /// The tokenizer file.
    pub tokenizer: Vec<u8>,
}

impl Artefact {
    /// Writes the three files. They appear in `folder` all at once or not at all.
    ///
    /// # Errors
    /// [`EngineError::Occupied`], [`EngineError::File`].
    pub fn write(&self, folder: &Path) -> Result<(), EngineError> {
        if folder.exists() {
            let mut entries = fs::read_dir(folder).map_err(EngineError::file(folder))?;
            if entries.next().is_some() {
                return Err(EngineError::Occupied(folder.into()));
            }
        }
        let mut name = folder.file_name().unwrap_or_default().to_os_string();
        name.push(".partial");
        let partial = folder.with_file_name(name);
        if partial.exists() {
            fs::remove_dir_all(&partial).map_err(EngineError::file(&partial))?;
        }
        let written = self.write_into(&partial);
        if written.is_err() {
            // A half of an artefact is of no use, and the disk may be full.
            let _ = fs::remove_dir_all(&partial);
            return written;
        }
        if folder.exists() {
            fs::remove_dir(folder).map_err(EngineError::file(folder))?;
        }
        fs::rename(&partial, folder).map_err(EngineError::file(folder))
    }

    fn write_into(&self, folder: &Path) -> Result<(), EngineError> {
        fs::create_dir_all(folder).map_err(EngineError::file(folder))?;
        let files = [
            (WEIGHTS_FILE, &self.weights),
            (TOKENIZER_FILE, &self.tokenizer),
            (MANIFEST_FILE, &self.manifest.to_bytes()),
        ];
        for (file, contents) in files {
            let path = folder.join(file);
            fs::write(&path, contents).map_err(EngineError::file(&path))?;
        }
        Ok(())
    }

    /// Loads it without going through files.
    ///
    /// # Errors
    /// Any that [`Model::load`] has for damaged contents.
    pub fn load(self, threads: &Arc<Threads>) -> Result<Model, EngineError> {
        Model::from_parts(self.manifest, Arc::new(self.weights), &self.tokenizer, threads.clone())
    }
}

/// What a source says about its model.
struct Description {
    architecture: Architecture,
    /// For decoders.
    text: Option<TextRules>,
    /// For encoders.
    embedding: Option<EmbeddingRules>,
    /// The tokenizer file.
    tokenizer: Vec<u8>,
}

/// A model in another format.
trait Source {
    /// Everything but the weights.
    fn describe(&self, options: &Options) -> Result<Description, EngineError>;

    /// The floats of a tensor, row-major, as many as `spec` says.
    fn values(&self, spec: &Spec) -> Result<Vec<f32>, EngineError>;

    /// The tensors, by the names of the specs, that change the model's results.
    fn tensors(&self, architecture: &Architecture) -> Vec<String>;
}

/// Reads a Hugging Face folder (`config.json`, `model.safetensors` or its index and shards, `tokenizer.json`, and where
/// present `tokenizer_config.json`, `chat_template.jinja`, `generation_config.json` and the files of
/// sentence-transformers), or a GGUF file. `step` is called with the tensors done and their number.
///
/// # Errors
/// [`EngineError::Unsupported`] for an architecture or a variant that the engine does not have; any about files,
/// tensors, the chat template or the tokenizer.
pub fn read(from: &Path, options: &Options, step: &mut dyn FnMut(usize, usize)) -> Result<Artefact, EngineError> {
    if from.is_file() {
        assemble(&gguf::Gguf::open(map(from)?)?, options, step)
    } else {
        assemble(&huggingface::Folder::open(from)?, options, step)
    }
}

fn assemble(
    source: &dyn Source,
    options: &Options,
    step: &mut dyn FnMut(usize, usize),
) -> Result<Artefact, EngineError> {
    let Description { architecture, text, embedding, tokenizer } = source.describe(options)?;
    let (kind, usual, usual_weights) = match architecture {
        Architecture::Llama(_) => (Kind::Text, Activations::MIXED, LayerWeights::W8),
        Architecture::Bert(_) => (Kind::Embedding, Activations::PRECISE, LayerWeights::W16),
    };
    if let Some(rules) = text.as_ref().filter(|rules| rules.chat.is_some()) {
        let rendered = template::render(rules, SAMPLE_PROMPT)?;
        if !rendered.contains(SAMPLE_PROMPT) {
            return Err(EngineError::Template(format!("it drops the prompt '{SAMPLE_PROMPT}'")));
        }
    }
    let mut manifest = Manifest {
        profile: assay_numerics::PROFILE.into(),
        name: options.name.clone(),
        source: options.source.clone(),
        licence: options.licence.clone(),
        kind,
        architecture,
        activations: options.activations.unwrap_or(usual),
        layer_weights: options.layer_weights.unwrap_or(usual_weights),
        text,
        embedding,
        weights: File::of(&[]),
        tokenizer: File::of(&tokenizer),
        tokenizer_library: TOKENIZER_LIBRARY.into(),
        // The table is made after the weights, which a hostile source must have to get so far.
        rope_table: matches!(kind, Kind::Text).then(String::new),
    };
    manifest.check().map_err(|reason| EngineError::Unsupported(reason.into()))?;
    read_tokenizer(&tokenizer)?;
    let weights = quantise(source, &manifest, step)?.to_bytes()?;
    manifest.weights = File::of(&weights);
    if let Architecture::Llama(shape) = &manifest.architecture {
        manifest.rope_table = Some(File::of(&llama::rope_table(shape)?.to_bytes()).cid);
    }
    Ok(Artefact { manifest, weights, tokenizer })
}

fn quantise(
    source: &dyn Source,
    manifest: &Manifest,
    step: &mut dyn FnMut(usize, usize),
) -> Result<Tensors, EngineError> {
    let architecture = &manifest.architecture;
    let specs = specs(architecture);
    let known: BTreeSet<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
    if let Some(unknown) = source.tensors(architecture).into_iter().find(|name| !known.contains(name.as_str())) {
        return Err(EngineError::UnexpectedTensor(unknown));
    }
    let mut tensors = Tensors::default();
    for (done, spec) in specs.iter().enumerate() {
        let values = source.values(spec)?;
        let added = tensors.add(spec, values, manifest.layer_weights);
        added.map_err(|error| EngineError::Weights(format!("{}: {error}", spec.name)))?;
        step(done + 1, specs.len());
    }
    Ok(tensors)
}

/// The rules of a text model, from what both formats say. With a chat template the source's own begin token is left to
/// it: it writes `bos_token` where the model wants it.
fn text_rules(
    options: &Options,
    begin: Option<u32>,
    end: BTreeSet<u32>,
    chat: Option<String>,
    begin_text: String,
    end_text: String,
) -> TextRules {
    let chat = chat.filter(|_| options.chat_template);
    let begin = begin.filter(|_| chat.is_none());
    let chat = chat.map(|source| ChatTemplate { source, begin_text, end_text, library: TEMPLATE_LIBRARY.into() });
    TextRules { begin, end: end.into_iter().collect(), template: options.template.clone(), chat }
}

/// Maps a file of weights into memory.
fn map(path: &Path) -> Result<Mmap, EngineError> {
    let file = fs::File::open(path).map_err(EngineError::file(path))?;
    // SAFETY: the bytes are only read, and every reading of them checks what it reads. Somebody who shortens the file
    // meanwhile ends this process, which holds nothing that would be lost.
    unsafe { Mmap::map(&file) }.map_err(EngineError::file(path))
}

/// Reads a file that has no reason to be larger than `limit` bytes.
fn read_small(path: &Path, limit: u64) -> Result<Vec<u8>, EngineError> {
    let size = fs::metadata(path).map_err(EngineError::file(path))?.len();
    if size > limit {
        let reason = format!("{} has {size} bytes, more than the {limit} that such a file may have", path.display());
        return Err(EngineError::Unsupported(reason));
    }
    fs::read(path).map_err(EngineError::file(path))
}

fn unsupported(path: &Path, reason: impl std::fmt::Display) -> EngineError {
    EngineError::Unsupported(format!("{}: {reason}", path.display()))
}

/// The path of a file beside others, if it is there.
fn present(folder: &Path, name: &str) -> Option<PathBuf> {
    Some(folder.join(name)).filter(|path| path.exists())
}
