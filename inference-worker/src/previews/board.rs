//! The solver's side: what its runs have drawn, for the tasks' owners.
//!
//! The thread that runs models writes to a line; whoever asks reads from it, and waits there for more. Nothing is
//! decoded, cut or signed for a task that nobody asks about until its run is over.
//!
//! An owner that had the whole answer before its solver has committed to it could commit to it first, with another
//! account. So what was drawn last is held back until a block has the commitment.

use super::wire::{
    after, signed, Between, Chunk, End, Part, Refusal, Reply, Request, Subject, CHUNK_TEXT, CHUNK_TOKENS, LIFETIME,
    MOST_CHUNKS, MOST_TEXT, MOST_TOKENS, PART,
};
use crate::{
    chain::types,
    journal::Inclusion,
    metrics::Metrics,
    work::runner::{Drawn, Watch},
};
use assay_peers::{preview::WAIT, PeerId, Peers};
use assay_types::{BlockNumber, Hash, TaskId};
use codec::{DecodeAll, Encode};
use std::{
    collections::{HashMap, VecDeque},
    sync::{
        atomic::{AtomicBool, AtomicU32, Ordering},
        Arc, Mutex, MutexGuard, PoisonError,
    },
    time::{Duration, Instant},
};
use subxt::utils::AccountId32;
use subxt_signer::sr25519::Keypair;
use tokio::{
    sync::{watch, Semaphore},
    time::timeout_at,
};

/// Tasks that are kept: as many as can be run together, at least.
const KEPT: usize = crate::config::MAX_BATCH as usize;
/// Peers that may read one preview.
const READERS: usize = 2;
/// Requests that wait for news at the same time, in all, and of one preview.
const WAITING: usize = 256;
const WAITING_OF_LINE: usize = 4;
/// Least time between two looks at what a run has drawn, in the long run; the first pause is this part of it, and each is
/// twice the one before: what was drawn first is shown once more was drawn, so that should not take long.
const PERIOD: Duration = Duration::from_millis(200);
const FIRST: u32 = 16;
/// How many times longer than a look the time until the next is: a look keeps all runs waiting.
const REST: u32 = 20;
/// Requests of one peer in a second, in the long run, and at once.
const PER_SECOND: u32 = 200;
const BURST: u32 = 400;
/// Peers whose requests are counted.
const REMEMBERED: usize = 1_024;

/// What a solver shows of its work. Copies share it.
#[derive(Clone)]
pub struct Board(Arc<Inner>);

struct Inner {
    genesis: Hash,
    key: Keypair,
    account: AccountId32,
    /// The own name among peers.
    peer: PeerId,
    metrics: Metrics,
    /// Least time between two looks at what a run has drawn, in the long run.
    period: Duration,
    height: AtomicU32,
    shelf: Mutex<Shelf>,
    waiting: Semaphore,
}

#[derive(Default)]
struct Shelf {
    lines: HashMap<TaskId, Arc<Line>>,
    /// The tasks, in the order in which they were begun.
    order: VecDeque<TaskId>,
    paces: HashMap<PeerId, Pace>,
}

/// What one run has drawn.
struct Line {
    owner: AccountId32,
    included: Inclusion,
    /// Whether somebody has asked for it.
    is_wanted: AtomicBool,
    drawn: Mutex<State>,
    news: watch::Sender<()>,
    waiting: Semaphore,
}

struct State {
    readers: Vec<PeerId>,
    chunks: Vec<Chunk>,
    /// Chunks that may be read before there is an end: those that came before the last look at the unfinished run.
    open: usize,
    /// The first hash, and the one after each chunk.
    heads: Vec<Hash>,
    /// Tokens that are in chunks.
    tokens: usize,
    /// Text that is in chunks.
    text: String,
    /// Whether nothing more is put into chunks.
    is_whole: bool,
    end: Option<End>,
    /// Whether it was taken from the shelf.
    is_gone: bool,
}

/// When a run is looked at.
struct Looks {
    next: Instant,
    pause: Duration,
    longest: Duration,
}

impl Looks {
    fn new(now: Instant, longest: Duration) -> Self {
        Self { next: now, pause: longest / FIRST, longest }
    }

    fn is_due(&self, now: Instant) -> bool {
        now >= self.next
    }

    /// Takes in that a look began and ended.
    fn looked(&mut self, begin: Instant, end: Instant) {
        self.next = end + self.pause.max(end.duration_since(begin).saturating_mul(REST));
        self.pause = self.pause.saturating_mul(2).min(self.longest);
    }
}

/// How much a peer may ask.
struct Pace {
    left: u32,
    at: Instant,
}

impl Pace {
    fn new(now: Instant) -> Self {
        Self { left: BURST, at: now }
    }

    fn refill(&mut self, now: Instant) {
        let millis = u32::try_from(now.duration_since(self.at).as_millis()).unwrap_or(u32::MAX);
        let more = millis.saturating_mul(PER_SECOND) / 1_000;
        // Time that has not earned a request yet is not lost.
        if more > 0 {
            self.left = self.left.saturating_add(more).min(BURST);
            self.at = now;
        }
    }

    fn takes(&mut self, now: Instant) -> bool {
        self.refill(now);
        let is_left = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_left
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Board {
    /// A board that answers what `peers` are asked, signing with `key`.
    pub async fn start(peers: &Peers, genesis: Hash, key: Keypair, metrics: Metrics) -> Self {
        let board = Self::new(peers.id(), genesis, key, metrics, PERIOD);
        let mut incoming = peers.previews().await;
        let answering = board.clone();
        tokio::spawn(async move {
            // It ends with the node.
            while let Some(asked) = incoming.recv().await {
                let board = answering.clone();
                tokio::spawn(async move {
                    match board.answer(&asked.peer, &asked.request).await {
                        Ok(reply) => asked.answer(reply.encode()),
                        Err(reason) => asked.accuse(reason.into()),
                    }
                });
            }
        });
        board
    }

    pub(super) fn new(peer: PeerId, genesis: Hash, key: Keypair, metrics: Metrics, period: Duration) -> Self {
        let account = crate::keys::address(&key);
        let (height, shelf, waiting) = (AtomicU32::new(0), Mutex::default(), Semaphore::new(WAITING));
        Self(Arc::new(Inner { genesis, key, account, peer, metrics, period, height, shelf, waiting }))
    }

    /// Takes in how high the chain is.
    pub fn at(&self, height: BlockNumber) {
        self.0.height.store(height, Ordering::Relaxed);
    }

    /// Begins the preview of a run of a task that is in the block `included`, in the place of any other of that task. What
    /// is returned takes what the run draws.
    pub fn begin(&self, task: &types::Task, included: Inclusion) -> Watch {
        let Inner { genesis, account, shelf, period, .. } = &*self.0;
        let head = Subject { genesis, task: &task.id, solver: account, included: &included }.head();
        let drawn = State {
            readers: Vec::new(),
            chunks: Vec::new(),
            open: 0,
            heads: vec![head],
            tokens: 0,
            text: String::new(),
            is_whole: false,
            end: None,
            is_gone: false,
        };
        let line = Arc::new(Line {
            owner: task.submitter,
            included,
            is_wanted: AtomicBool::new(false),
            drawn: Mutex::new(drawn),
            news: watch::Sender::new(()),
            waiting: Semaphore::new(WAITING_OF_LINE),
        });
        let mut shelf = lock(shelf);
        shelf.remove(&task.id);
        shelf.make_room();
        shelf.order.push_back(task.id);
        shelf.lines.insert(task.id, line.clone());
        let mut looks = Looks::new(Instant::now(), *period);
        Box::new(move |drawn: &Drawn<'_>| {
            let begin = Instant::now();
            if drawn.is_whole || (line.is_wanted.load(Ordering::Relaxed) && looks.is_due(begin)) {
                line.draw(drawn);
                looks.looked(begin, Instant::now());
            }
        })
    }

    /// Ends the preview of the run of a task that was in the block `included`, with what will be revealed and what is
    /// committed to, once a block has the commitment: all of it can be read from here on.
    pub fn end(&self, task: &TaskId, included: Inclusion, end: End) {
        let line = lock(&self.0.shelf).lines.get(task).filter(|line| line.included == included).cloned();
        if let Some(line) = line {
            lock(&line.drawn).end = Some(end);
            line.news.send_replace(());
        }
    }

    /// Shows a task no more: its run came to nothing, or it is over.
    pub fn forget(&self, task: &TaskId) {
        lock(&self.0.shelf).remove(task);
    }

    /// Answers a request of `peer`, once there is something to say.
    ///
    /// # Errors
    /// No honest peer asks this.
    pub(super) async fn answer(&self, peer: &PeerId, request: &[u8]) -> Result<Reply, &'static str> {
        let request =
            Request::decode_all(&mut &*request).map_err(|_| "it asked for a preview of what cannot be a task")?;
        match self.line(peer, &request)? {
            Ok(line) => Ok(match self.wait(&line, request.from as usize).await {
                Some(part) => Reply::Part(part.into()),
                None => Reply::Refused(Refusal::Unknown),
            }),
            Err(refusal) => {
                // Who looks for whoever works on a task asks many that do not.
                if refusal != Refusal::Unknown {
                    Metrics::count(&self.0.metrics.previews, "refused");
                }
                Ok(Reply::Refused(refusal))
            }
        }
    }

    /// What a request asks for, if it may.
    fn line(&self, peer: &PeerId, request: &Request) -> Result<Result<Arc<Line>, Refusal>, &'static str> {
        let Inner { genesis, peer: own, height, shelf, metrics, .. } = &*self.0;
        let found = {
            let mut shelf = lock(shelf);
            if !shelf.paced(peer, Instant::now()) {
                return Ok(Err(Refusal::Busy));
            }
            shelf.lines.get(&request.task).cloned()
        };
        let Some(line) = found else { return Ok(Err(Refusal::Unknown)) };
        if line.owner != request.owner {
            return Ok(Err(Refusal::NotOwner));
        }
        let height = height.load(Ordering::Relaxed);
        if !(height..=height.saturating_add(LIFETIME)).contains(&request.until) {
            return Ok(Err(Refusal::Expired));
        }
        if !request.is_signed(Between { genesis, asker: peer, solver: own }) {
            Metrics::count(&metrics.previews, "refused");
            return Err("its request for a preview is not signed by the task's owner");
        }
        let mut state = lock(&line.drawn);
        if !state.readers.contains(peer) {
            if state.readers.len() >= READERS {
                return Ok(Err(Refusal::TooMany));
            }
            state.readers.push(*peer);
            Metrics::count(&metrics.previews, "served");
        }
        drop(state);
        line.is_wanted.store(true, Ordering::Relaxed);
        Ok(Ok(line))
    }

    /// Waits until there is more than `from` chunks, but not for long. `None` if the preview is gone, or has never had so
    /// many.
    async fn wait(&self, line: &Line, from: usize) -> Option<Part> {
        let mut news = line.news.subscribe();
        let mut part = self.part(line, from)?;
        // Who finds no place to wait in is told at once that there is nothing new.
        let (Ok(_of_line), Ok(_of_all)) = (line.waiting.try_acquire(), self.0.waiting.try_acquire()) else {
            return Some(part);
        };
        let until = tokio::time::Instant::now() + WAIT;
        // Some news is of what is held back.
        while part.chunks.is_empty() && part.end.is_none() {
            let is_late = !matches!(timeout_at(until, news.changed()).await, Ok(Ok(())));
            part = self.part(line, from)?;
            if is_late {
                break;
            }
        }
        Some(part)
    }

    /// What comes after `from` chunks, as much as fits a reply.
    fn part(&self, line: &Line, from: usize) -> Option<Part> {
        let state = lock(&line.drawn);
        if state.is_gone {
            return None;
        }
        let mut size = 0;
        let open = if state.end.is_some() { state.chunks.len() } else { state.open };
        let fitting = state.chunks.get(from..open)?.iter().take_while(|chunk| {
            let fits = size < PART;
            size += chunk.encoded_size();
            fits
        });
        let chunks: Vec<_> = fitting.cloned().collect();
        let last = from + chunks.len();
        let end = state.end.clone().filter(|_| state.is_whole && last == state.chunks.len());
        let signature = self.0.key.sign(&signed(state.heads.get(last)?, end.as_ref()).0).0;
        Some(Part { solver: self.0.account, included: line.included, chunks, end, signature })
    }
}

impl Shelf {
    fn remove(&mut self, task: &TaskId) {
        self.order.retain(|other| other != task);
        if let Some(line) = self.lines.remove(task) {
            lock(&line.drawn).is_gone = true;
            line.news.send_replace(());
        }
    }

    /// Removes one line if there is no room for another: the oldest of those whose run is over, or of all.
    fn make_room(&mut self) {
        if self.order.len() < KEPT {
            return;
        }
        let is_over = |task: &TaskId| self.lines.get(task).is_some_and(|line| lock(&line.drawn).is_whole);
        let last = self.order.iter().copied().find(is_over).or_else(|| self.order.front().copied());
        if let Some(task) = last {
            self.remove(&task);
        }
    }

    fn paced(&mut self, peer: &PeerId, now: Instant) -> bool {
        if self.paces.len() >= REMEMBERED && !self.paces.contains_key(peer) {
            self.paces.retain(|_, pace| {
                pace.refill(now);
                pace.left < BURST
            });
            if self.paces.len() >= REMEMBERED {
                return false;
            }
        }
        self.paces.entry(*peer).or_insert_with(|| Pace::new(now)).takes(now)
    }
}

impl Line {
    /// Takes in what the run has drawn.
    fn draw(&self, drawn: &Drawn<'_>) {
        let mut state = lock(&self.drawn);
        if state.is_whole {
            return;
        }
        // What was drawn before may be all of the answer: only a look that is not the last shows that it is not.
        if !drawn.is_whole {
            state.open = state.chunks.len();
        }
        let text = (drawn.text)();
        // The end of what is unfinished may be a part of a character, and more tokens can change what such parts become.
        let certain = if drawn.is_whole { text.as_str() } else { text.trim_end_matches(char::REPLACEMENT_CHARACTER) };
        let more = certain.strip_prefix(state.text.as_str()).unwrap_or_default().to_owned();
        let fresh = drawn.tokens.get(state.tokens..).unwrap_or_default();
        let chunks = state.chunks.len() + most_chunks(fresh.len(), more.len());
        let fits =
            drawn.tokens.len() <= MOST_TOKENS && state.text.len() + more.len() <= MOST_TEXT && chunks <= MOST_CHUNKS;
        state.is_whole = drawn.is_whole || !fits;
        if fits {
            state.add(fresh, &more);
        }
        drop(state);
        self.news.send_replace(());
    }
}

/// No more chunks than this come of so many tokens with so many bytes of text. A chunk ends before a character that
/// does not fit, of which up to three bytes would have.
fn most_chunks(tokens: usize, text: usize) -> usize {
    tokens.div_ceil(CHUNK_TOKENS).max(text.div_ceil(CHUNK_TEXT - 3))
}

impl State {
    fn add(&mut self, mut tokens: &[u32], mut text: &str) {
        self.tokens += tokens.len();
        self.text.push_str(text);
        while !tokens.is_empty() || !text.is_empty() {
            let (some, others) = tokens.split_at(tokens.len().min(CHUNK_TOKENS));
            let (beginning, rest) = text.split_at(text.floor_char_boundary(CHUNK_TEXT));
            let chunk = Chunk { tokens: some.to_vec(), text: beginning.to_owned() };
            if let Some(head) = self.heads.last().map(|head| after(head, &chunk)) {
                self.heads.push(head);
                self.chunks.push(chunk);
            }
            (tokens, text) = (others, rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{tests, wire::Seen},
        *,
    };
    use proptest::prelude::*;

    /// Reads a line to its end, as an owner does.
    fn read(board: &Board, line: &Line) -> Seen {
        let first = board.part(line, 0).unwrap();
        let mut seen = Seen::of(&tests::GENESIS, tests::TASK, &first);
        seen.take(first).unwrap();
        loop {
            let part = board.part(line, seen.chunks.len()).unwrap();
            if part.chunks.is_empty() {
                return seen;
            }
            seen.take(part).unwrap();
        }
    }

    fn line(board: &Board) -> Arc<Line> {
        lock(&board.0.shelf).lines[&tests::TASK].clone()
    }

    proptest! {
        #[test]
        fn whatever_is_drawn_comes_out_in_order_and_signed(
            steps in proptest::collection::vec((0usize..600, "\\PC{0,40}"), 1..8),
            long in 0usize..40_000,
        ) {
            let board = tests::board();
            drop(board.begin(&tests::task(), tests::INCLUDED));
            let line = line(&board);
            let (mut tokens, mut text) = (Vec::new(), String::new());
            let last = steps.len() - 1;
            for (step, (count, more)) in steps.into_iter().enumerate() {
                tokens.extend((0..count as u32).map(|i| i ^ step as u32));
                text.push_str(&more);
                if step == last {
                    text.extend(std::iter::repeat_n('ß', long));
                }
                // What is unfinished ends inside a character.
                let shown = format!("{text}{}", if step == last { "" } else { "\u{fffd}" });
                line.draw(&Drawn { tokens: &tokens, text: &|| shown.clone(), is_whole: step == last });
            }
            board.end(&tests::TASK, tests::INCLUDED, tests::end());
            let seen = read(&board, &line);
            prop_assert!(seen.chunks.iter().flat_map(|chunk| &chunk.tokens).eq(&tokens));
            prop_assert_eq!(seen.text(), text);
            prop_assert!(seen.is_genuine(&tests::GENESIS));
            prop_assert!(!seen.is_genuine(&Hash::zero()));
        }
    }

    #[test]
    fn every_reply_fits_and_what_is_too_long_is_left_to_the_reveal() {
        let board = tests::board();
        let mut watch = board.begin(&tests::task(), tests::INCLUDED);
        let text = "x".repeat(MOST_TEXT);
        watch(&Drawn { tokens: &[1; MOST_TOKENS], text: &|| text.clone(), is_whole: true });
        board.end(&tests::TASK, tests::INCLUDED, tests::end());
        let line = line(&board);
        let mut from = 0;
        loop {
            let part = board.part(&line, from).unwrap();
            let chunks = part.chunks.len();
            assert!(Reply::Part(part.into()).encode().len() <= assay_peers::preview::MAX_REPLY);
            if chunks == 0 {
                break;
            }
            from += chunks;
        }
        assert_eq!(read(&board, &line).text(), text);
        assert!(board.part(&line, from + 1).is_none(), "there have never been so many");
        // A token more is too much; the end is told all the same.
        let mut watch = board.begin(&tests::task(), tests::INCLUDED);
        watch(&Drawn { tokens: &[1; MOST_TOKENS + 1], text: &String::new, is_whole: true });
        board.end(&tests::TASK, tests::INCLUDED, tests::end());
        let part = board.part(&self::line(&board), 0).unwrap();
        assert_eq!((part.chunks.len(), part.end), (0, Some(tests::end())));
    }

    #[test]
    fn nothing_is_decoded_for_a_run_that_nobody_asks_about() {
        let board = tests::board();
        let mut watch = board.begin(&tests::task(), tests::INCLUDED);
        watch(&Drawn { tokens: &[1], text: &|| panic!("nobody wants it"), is_whole: false });
        line(&board).is_wanted.store(true, Ordering::Relaxed);
        watch(&Drawn { tokens: &[1, 2], text: &|| "a".into(), is_whole: false });
        // Not again so soon.
        watch(&Drawn { tokens: &[1, 2, 3], text: &|| panic!("a moment ago"), is_whole: false });
        board.end(&tests::TASK, tests::INCLUDED, tests::end());
        assert_eq!(read(&board, &line(&board)).chunks, [Chunk { tokens: vec![1, 2], text: "a".into() }]);
    }

    #[test]
    fn a_run_is_looked_at_soon_again_at_first_and_ever_more_rarely() {
        let millis = Duration::from_millis;
        let mut at = Instant::now();
        let mut looks = Looks::new(at, millis(160));
        for pause in [10, 20, 40, 80, 160, 160] {
            assert!(looks.is_due(at));
            looks.looked(at, at);
            assert!(!looks.is_due(at + millis(pause - 1)), "{pause}");
            at += millis(pause);
        }
        // A look that takes long keeps the run waiting the less often.
        looks.looked(at, at + millis(100));
        assert!(!looks.is_due(at + millis(2_099)) && looks.is_due(at + millis(2_100)));
    }

    #[test]
    fn what_was_drawn_last_is_held_back_until_a_block_has_the_commitment() {
        let board = tests::board();
        drop(board.begin(&tests::task(), tests::INCLUDED));
        let line = line(&board);
        let draw = |tokens: &[u32], text: &str, is_whole| {
            line.draw(&Drawn { tokens, text: &|| text.into(), is_whole });
            read(&board, &line).text()
        };
        assert_eq!(draw(&[1], "a", false), "");
        assert_eq!(draw(&[1, 2], "ab", false), "a");
        // The run ends with what was there already, and that is not told yet.
        assert_eq!(draw(&[1, 2], "ab", true), "a");
        assert_eq!(board.part(&line, 1).unwrap().end, None);
        board.end(&tests::TASK, tests::INCLUDED, tests::end());
        assert_eq!(read(&board, &line).text(), "ab");
        assert_eq!(board.part(&line, 2).unwrap().end, Some(tests::end()));
    }

    #[tokio::test]
    async fn who_waits_is_told_what_is_not_held_back() {
        let board = tests::board();
        drop(board.begin(&tests::task(), tests::INCLUDED));
        let line = line(&board);
        let (part, ()) = tokio::join!(board.wait(&line, 0), async {
            for tokens in [&[1][..], &[1, 2]] {
                line.draw(&Drawn { tokens, text: &|| "a".into(), is_whole: false });
                // Whoever waits looks between the two.
                tokio::task::yield_now().await;
            }
        });
        assert_eq!(part.map(|part| part.chunks), Some(vec![Chunk { tokens: vec![1], text: "a".into() }]));
    }

    #[test]
    fn an_honest_preview_never_has_more_chunks_than_are_taken() {
        let board = tests::board();
        drop(board.begin(&tests::task(), tests::INCLUDED));
        let line = line(&board);
        let tokens = [1; MOST_CHUNKS + 2];
        for count in 1..tokens.len() {
            line.draw(&Drawn { tokens: &tokens[..count], text: &String::new, is_whole: false });
        }
        line.draw(&Drawn { tokens: &tokens, text: &String::new, is_whole: true });
        board.end(&tests::TASK, tests::INCLUDED, tests::end());
        let seen = read(&board, &line);
        assert_eq!(seen.chunks.len(), MOST_CHUNKS, "the rest is left to the reveal");
        for (tokens, text) in [(0, 0), (1, 0), (CHUNK_TOKENS + 1, 1), (0, 3 * CHUNK_TEXT)] {
            let mut state = lock(&line.drawn);
            let before = state.chunks.len();
            state.add(&vec![1; tokens], &"ß€".repeat(text / 5));
            assert!(state.chunks.len() - before <= most_chunks(tokens, text), "{tokens} {text}");
        }
    }

    #[tokio::test]
    async fn so_many_requests_wait_at_a_preview_and_no_more() {
        let board = tests::board();
        drop(board.begin(&tests::task(), tests::INCLUDED));
        let line = line(&board);
        let waiting = futures::future::join_all((0..WAITING_OF_LINE).map(|_| board.wait(&line, 0)));
        tokio::select! {
            biased;
            _ = waiting => panic!("there is nothing to say yet"),
            part = board.wait(&line, 0) => assert_eq!(part.map(|part| (part.chunks, part.end)), Some((vec![], None))),
        }
    }

    #[test]
    fn a_run_that_is_over_makes_room_before_one_that_is_under_way() {
        let board = tests::board();
        let task = |number: usize| types::Task { id: Hash::from_low_u64_be(number as u64), ..tests::task() };
        let watches: Vec<_> = (0..KEPT).map(|number| board.begin(&task(number), tests::INCLUDED)).collect();
        for mut watch in watches.into_iter().skip(7).take(2) {
            watch(&Drawn { tokens: &[1], text: &|| "a".into(), is_whole: true });
        }
        for over in [7, 8, 0] {
            drop(board.begin(&task(KEPT + over), tests::INCLUDED));
            let shelf = lock(&board.0.shelf);
            assert_eq!((shelf.lines.len(), shelf.order.len()), (KEPT, KEPT));
            assert!(!shelf.lines.contains_key(&task(over).id), "{over}");
        }
    }

    #[test]
    fn the_oldest_tasks_make_room_and_a_run_takes_the_place_of_the_one_before() {
        let board = tests::board();
        let first = board.begin(&tests::task(), tests::INCLUDED);
        let old = line(&board);
        drop((first, board.begin(&tests::task(), tests::INCLUDED)));
        assert!(board.part(&old, 0).is_none(), "another run is shown now");
        for number in 0..KEPT as u64 {
            let task = types::Task { id: Hash::from_low_u64_be(number), ..tests::task() };
            drop(board.begin(&task, tests::INCLUDED));
        }
        let shelf = lock(&board.0.shelf);
        assert_eq!((shelf.lines.len(), shelf.order.len()), (KEPT, KEPT));
        assert!(!shelf.lines.contains_key(&tests::TASK));
    }

    #[test]
    fn a_peer_asks_so_much_and_no_more() {
        let (now, mut shelf) = (Instant::now(), Shelf::default());
        let peer = PeerId::random();
        assert!((0..BURST).all(|_| shelf.paced(&peer, now)));
        assert!(!shelf.paced(&peer, now));
        assert!(shelf.paced(&PeerId::random(), now), "each for itself");
        let later = now + Duration::from_millis(10);
        assert!(shelf.paced(&peer, later) && shelf.paced(&peer, later) && !shelf.paced(&peer, later));
        // No more peers are counted than are remembered, and those that ask nothing are forgotten.
        while shelf.paces.len() < REMEMBERED {
            shelf.paced(&PeerId::random(), now);
        }
        assert!(!shelf.paced(&PeerId::random(), now));
        assert!(shelf.paced(&PeerId::random(), now + Duration::from_secs(10)));
    }
}
