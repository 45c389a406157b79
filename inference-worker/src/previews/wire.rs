//! What owner and solver of a task say to each other about a preview, its chain of hashes, and what is compared with the
//! answer in the end. Everything is SCALE; every hash is blake2b-256 over a domain string and what follows it.

use crate::{journal::Inclusion, payloads};
use assay_peers::PeerId;
use assay_types::{
    inference::{Output, TextOutput},
    BlockNumber, Cid, Commitment, Hash, TaskId,
};
use codec::{Decode, DecodeAll, Encode};
use serde_json::{json, Value};
use sp_crypto_hashing::blake2_256;
use subxt::utils::AccountId32;
use subxt_signer::sr25519::{self, Keypair, PublicKey};

/// Most tokens of a preview; the rest of a longer answer comes with its reveal.
pub const MOST_TOKENS: usize = 16 * 1024;
/// Most bytes of text of a preview.
pub const MOST_TEXT: usize = 128 * 1024;
/// Most chunks of a preview.
pub const MOST_CHUNKS: usize = 8 * 1024;
/// Most tokens of a chunk.
pub const CHUNK_TOKENS: usize = 256;
/// Most bytes of text of a chunk.
pub const CHUNK_TEXT: usize = 8 * 1024;
/// Bytes of encoded chunks after which no more are put into a reply. With one chunk beyond it a reply stays within
/// [`assay_peers::preview::MAX_REPLY`].
pub const PART: usize = 32 * 1024;
/// Blocks for which a request may be good at most.
pub const LIFETIME: BlockNumber = 256;

/// A signature of sr25519.
type Signature = [u8; 64];

/// An owner asks for more of a preview.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Request {
    /// The task.
    pub task: TaskId,
    /// Whose it is.
    pub owner: AccountId32,
    /// Height up to which the request is good.
    pub until: BlockNumber,
    /// How many chunks the owner has.
    pub from: u32,
    /// The owner's, over everything but `from`, the chain, and the names of both peers: nobody else can use it.
    pub signature: Signature,
}

/// The chain and the two peers between which a request holds.
#[derive(Clone, Copy, Debug)]
pub struct Between<'a> {
    /// Genesis hash of the chain.
    pub genesis: &'a Hash,
    /// The peer that asks.
    pub asker: &'a PeerId,
    /// The peer that is asked.
    pub solver: &'a PeerId,
}

impl Between<'_> {
    fn hash(&self, task: &TaskId, until: BlockNumber) -> [u8; 32] {
        let (asker, solver) = (self.asker.to_bytes(), self.solver.to_bytes());
        (b"assay/preview/ask", self.genesis, task, asker, solver, until).using_encoded(blake2_256)
    }
}

impl Request {
    /// A request for the preview of a task of the account of `key`, from its beginning.
    pub fn sign(key: &Keypair, between: Between<'_>, task: TaskId, until: BlockNumber) -> Self {
        let signature = key.sign(&between.hash(&task, until)).0;
        Self { task, owner: crate::keys::address(key), until, from: 0, signature }
    }

    /// Whether its owner has signed it, for these peers on this chain.
    pub fn is_signed(&self, between: Between<'_>) -> bool {
        verify(&self.owner, &between.hash(&self.task, self.until), &self.signature)
    }
}

fn verify(account: &AccountId32, message: &[u8; 32], signature: &Signature) -> bool {
    sr25519::verify(&sr25519::Signature(*signature), message, &PublicKey(account.0))
}

/// What a solver answers.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Reply {
    /// Some of the preview.
    #[codec(index = 0)]
    Part(Box<Part>),
    /// Nothing, and why.
    #[codec(index = 1)]
    Refused(Refusal),
}

/// Why a solver gives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Refusal {
    /// It does not work on this task, or does not any more.
    #[codec(index = 0)]
    Unknown,
    /// The task is another account's.
    #[codec(index = 1)]
    NotOwner,
    /// The request is good no longer, or for too long.
    #[codec(index = 2)]
    Expired,
    /// Others read this preview already.
    #[codec(index = 3)]
    TooMany,
    /// Ask again a moment later.
    #[codec(index = 4)]
    Busy,
}

/// Some of a preview.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Part {
    /// The solver.
    pub solver: AccountId32,
    /// The block with the task, from which the run has its seed: in another block the task has another answer.
    pub included: Inclusion,
    /// What comes after the chunks that the owner has; none where nothing was drawn while it was waited.
    pub chunks: Vec<Chunk>,
    /// What the solver says when it has nothing more to give, and a block has its commitment.
    pub end: Option<End>,
    /// The solver's, over the newest hash of the chain.
    pub signature: Signature,
}

/// Tokens that were drawn, and the text that is certain with them. A token may be drawn long before its text is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Chunk {
    /// The tokens.
    pub tokens: Vec<u32>,
    /// What their text adds to that of the chunks before.
    pub text: String,
}

/// The end of a preview.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct End {
    /// Content id of the output that the solver will reveal.
    pub output: Cid,
    /// What it commits to.
    pub commitment: Commitment,
}

/// What a preview is of: the first of its hashes is over this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject<'a> {
    /// Genesis hash of the chain.
    pub genesis: &'a Hash,
    /// The task.
    pub task: &'a TaskId,
    /// The solver.
    pub solver: &'a AccountId32,
    /// The block with the task.
    pub included: &'a Inclusion,
}

impl Subject<'_> {
    /// The first hash of the chain.
    pub fn head(&self) -> Hash {
        let Self { genesis, task, solver, included } = self;
        (b"assay/preview", genesis, task, solver, included).using_encoded(blake2_256).into()
    }
}

/// The hash after a chunk.
pub fn after(head: &Hash, chunk: &Chunk) -> Hash {
    (b"assay/preview/chunk", head, chunk).using_encoded(blake2_256).into()
}

/// The hash after the end.
pub fn after_end(head: &Hash, end: &End) -> Hash {
    (b"assay/preview/end", head, end).using_encoded(blake2_256).into()
}

/// What was seen of a preview: enough to show to anybody what the solver has given.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Seen {
    /// The task.
    pub task: TaskId,
    /// The solver.
    pub solver: AccountId32,
    /// The block with the task, as the solver saw it.
    pub included: Inclusion,
    /// What came, in order.
    pub chunks: Vec<Chunk>,
    /// How it ended, if it has.
    pub end: Option<End>,
    /// The solver's signature over the newest hash.
    pub signature: Signature,
    /// The hash after the last chunk.
    pub(super) head: Hash,
}

/// Why a part of a preview is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Useless {
    /// It is of another run: a fork has given the task another seed.
    OtherRun,
    /// No honest solver sends this.
    Forged(&'static str),
}

/// What a preview turns out to have been worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It is the beginning of the answer, or all of it.
    Holds,
    /// It is of a run with another seed: a fork has moved the task into another block. Nobody has lied.
    Void,
    /// It is not.
    Differs(Difference),
}

/// In what a preview differs from its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Difference {
    /// Its tokens are not those of the answer.
    #[codec(index = 0)]
    Tokens,
    /// Its tokens are, but its text is not.
    #[codec(index = 1)]
    Text,
    /// It named another output at its end.
    #[codec(index = 2)]
    Output,
    /// It named another commitment at its end than the chain took.
    #[codec(index = 3)]
    Commitment,
}

impl Difference {
    /// A name for interfaces.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::Text => "text",
            Self::Output => "output",
            Self::Commitment => "commitment",
        }
    }
}

impl Seen {
    /// Nothing yet of the preview that `part` is of.
    pub fn of(genesis: &Hash, task: TaskId, part: &Part) -> Self {
        let Part { solver, included, .. } = *part;
        let head = Subject { genesis, task: &task, solver: &solver, included: &included }.head();
        Self { task, solver, included, chunks: Vec::new(), end: None, signature: [0; 64], head }
    }

    /// Takes the next part in, and returns the text that it adds.
    ///
    /// # Errors
    /// It is of another run, is signed wrongly, or has more than a preview may have. Then nothing of it is taken.
    pub fn take(&mut self, part: Part) -> Result<String, Useless> {
        if (part.solver, part.included) != (self.solver, self.included) {
            return Err(Useless::OtherRun);
        }
        if self.end.is_some() {
            return Err(Useless::Forged("a preview goes on after its end"));
        }
        let fits = |chunk: &Chunk| chunk.tokens.len() <= CHUNK_TOKENS && chunk.text.len() <= CHUNK_TEXT;
        if part.chunks.iter().any(|chunk| *chunk == Chunk::default() || !fits(chunk)) {
            return Err(Useless::Forged("a chunk of a preview is empty or too long"));
        }
        if self.chunks.len().saturating_add(part.chunks.len()) > MOST_CHUNKS {
            return Err(Useless::Forged("a preview has too many chunks"));
        }
        let all = || self.chunks.iter().chain(&part.chunks);
        let (tokens, text) = (all().map(|chunk| chunk.tokens.len()).sum::<usize>(), length(all()));
        if tokens > MOST_TOKENS || text > MOST_TEXT {
            return Err(Useless::Forged("a preview is too long"));
        }
        let head = part.chunks.iter().fold(self.head, |head, chunk| after(&head, chunk));
        if !is_signed(&self.solver, &head, part.end.as_ref(), &part.signature) {
            return Err(Useless::Forged("the signature of a preview is wrong"));
        }
        let text = part.chunks.iter().map(|chunk| chunk.text.as_str()).collect();
        (self.head, self.end, self.signature) = (head, part.end, part.signature);
        self.chunks.extend(part.chunks);
        Ok(text)
    }

    /// Whether the solver has signed all of it, on the chain with this genesis.
    pub fn is_genuine(&self, genesis: &Hash) -> bool {
        let Self { task, solver, included, .. } = self;
        let first = Subject { genesis, task, solver, included }.head();
        let head = self.chunks.iter().fold(first, |head, chunk| after(&head, chunk));
        is_signed(solver, &head, self.end.as_ref(), &self.signature)
    }

    /// Its text.
    pub fn text(&self) -> String {
        self.chunks.iter().map(|chunk| chunk.text.as_str()).collect()
    }

    /// Compares it with the answer that was revealed, encoded as `output`, to the task that the block `included` took.
    pub fn judge(&self, included: Inclusion, output: &[u8]) -> Judgement {
        if self.included != included {
            return Judgement::Void;
        }
        let Ok(Output::Text(TextOutput { text, tokens, .. })) = Output::decode_all(&mut &*output) else {
            return Judgement::Differs(Difference::Output);
        };
        let mut seen = self.chunks.iter().flat_map(|chunk| &chunk.tokens);
        let mut revealed = tokens.iter();
        if !seen.all(|token| revealed.next() == Some(token)) {
            return Judgement::Differs(Difference::Tokens);
        }
        if !text.starts_with(&self.text()) {
            return Judgement::Differs(Difference::Text);
        }
        match &self.end {
            Some(end) if end.output != payloads::cid(output) => Judgement::Differs(Difference::Output),
            _ => Judgement::Holds,
        }
    }
}

/// A preview that was not that of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Wrong {
    /// When that was seen, in seconds since 1970.
    pub at: u64,
    /// In what it differs.
    pub difference: Difference,
    /// Whose the answer is that was revealed.
    pub answered_by: AccountId32,
    /// Content id of that answer.
    pub output: [u8; 32],
    /// What was streamed, with the signature of who did.
    pub seen: Seen,
}

impl Wrong {
    /// All of it, for people and their programs.
    pub fn json(&self) -> Value {
        let Seen { task, solver, included, chunks, end, signature, .. } = &self.seen;
        let chunks = chunks.iter().map(|chunk| json!({ "tokens": chunk.tokens, "text": chunk.text }));
        let end = end
            .as_ref()
            .map(|end| json!({ "output_cid": end.output.to_string(), "commitment": format!("{:?}", end.commitment) }));
        json!({
            "task": format!("{task:?}"),
            "differs_in": self.difference.name(),
            "streamed_by": solver.to_string(),
            "answered_by": self.answered_by.to_string(),
            "answer_cid": Cid(self.output).to_string(),
            "seen_at": self.at,
            "block": included.number,
            "block_hash": format!("{:?}", included.hash),
            "chunks": chunks.collect::<Vec<_>>(),
            "end": end,
            "signature": format!("0x{}", hex::encode(signature)),
        })
    }
}

fn length<'a>(chunks: impl Iterator<Item = &'a Chunk>) -> usize {
    chunks.map(|chunk| chunk.text.len()).sum()
}

/// What a solver signs: the newest hash, that of the end if there is one.
pub(super) fn signed(head: &Hash, end: Option<&End>) -> Hash {
    end.map_or(*head, |end| after_end(head, end))
}

fn is_signed(solver: &AccountId32, head: &Hash, end: Option<&End>, signature: &Signature) -> bool {
    verify(solver, &signed(head, end).0, signature)
}
