//! The thread that runs models. Text tasks of one model share its passes, so that several cost little more than one;
//! whoever computes beside a task makes no difference to its answer.

use super::models::{Answer, Local};
use assay_engine::{EngineError, Generation, PassMemory};
use assay_types::inference::Output;
use codec::DecodeAll;
use std::{
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, Sender},
        Arc,
    },
    thread,
    time::Instant,
};

/// What a run of a text model has drawn so far.
pub struct Drawn<'a> {
    /// Its tokens.
    pub tokens: &'a [u32],
    /// Gives their text, which may end inside a character.
    pub text: &'a dyn Fn() -> String,
    /// Whether it is the whole answer.
    pub is_whole: bool,
}

/// Told what a run has drawn: after each pass, and the whole answer before that is taken. It must not keep the run waiting.
pub type Watch = Box<dyn FnMut(&Drawn<'_>) + Send>;

/// A task to run.
pub struct Order {
    /// Its model.
    pub local: Arc<Local>,
    /// The input.
    pub input: Vec<u8>,
    /// The encoded parameters.
    pub parameters: Vec<u8>,
    /// The seed.
    pub seed: [u8; 32],
    /// An encoded output that may be the right one: what of it is right costs little, and nothing is believed of it.
    pub guess: Option<Vec<u8>>,
    /// Ends the run when it is set.
    pub stop: Arc<AtomicBool>,
    /// Told what is drawn, where somebody wants to know; never for an embedding.
    pub watch: Option<Watch>,
    /// Takes the result.
    pub done: Box<dyn FnOnce(Result<Answer, EngineError>) + Send>,
}

/// Takes orders for the thread that runs models. The thread ends when this is dropped and its orders are done.
pub struct Runner(Sender<Order>);

impl Runner {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start() -> std::io::Result<Self> {
        Self::start_with(|order| order)
    }

    /// Starts the thread, which runs what `change` makes of each order: for tests of how a network copes with workers
    /// that compute something else than they were asked for.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start_with(change: impl Fn(Order) -> Order + Send + 'static) -> std::io::Result<Self> {
        let (orders, incoming) = mpsc::channel();
        thread::Builder::new().name("runner".into()).spawn(move || work(&incoming, &change))?;
        Ok(Self(orders))
    }

    /// Runs a task, together with those that are running. Its result comes back through `done`.
    pub fn run(&self, order: Order) {
        if let Err(mpsc::SendError(order)) = self.0.send(order) {
            // The thread is gone, which only a fault of its own can make it.
            (order.done)(Err(EngineError::Stopped));
        }
    }
}

/// A text task under way.
struct Running {
    order: Order,
    generation: Generation,
    begin: Instant,
}

fn work(incoming: &Receiver<Order>, change: &impl Fn(Order) -> Order) {
    let mut running: Vec<Running> = Vec::new();
    let mut memory = PassMemory::default();
    loop {
        if running.is_empty() {
            match incoming.recv() {
                Ok(order) => take(change(order), &mut running),
                Err(mpsc::RecvError) => return,
            }
        }
        while let Ok(order) = incoming.try_recv() {
            take(change(order), &mut running);
        }
        // One pass of each model, then a look at who is done and who is not wanted any more.
        let mut rest: Vec<&mut Running> = running.iter_mut().collect();
        while let Some(local) = rest.first().map(|first| first.order.local.clone()) {
            let (mut same, others): (Vec<_>, Vec<_>) =
                rest.into_iter().partition(|running| Arc::ptr_eq(&running.order.local, &local));
            let mut generations: Vec<_> = same.iter_mut().map(|running| &mut running.generation).collect();
            local.model.advance(&mut generations, &mut memory);
            rest = others;
        }
        for Running { order, generation, .. } in running.iter_mut().filter(|running| !running.generation.is_done()) {
            if let Some(watch) = &mut order.watch {
                let progress = order.local.model.progress(generation);
                watch(&Drawn { tokens: progress.tokens(), text: &|| progress.text(), is_whole: false });
            }
        }
        let ends = |running: &mut Running| running.generation.is_done() || running.order.stop.load(Ordering::Relaxed);
        for Running { mut order, generation, begin } in running.extract_if(.., ends) {
            let result = order.local.model.finish(generation);
            if let (Some(watch), Ok(answer)) = (&mut order.watch, &result) {
                if let Ok(Output::Text(output)) = Output::decode_all(&mut &answer.output[..]) {
                    watch(&Drawn { tokens: &output.tokens, text: &|| output.text.clone(), is_whole: true });
                }
            }
            // A guess says nothing about how long drawing takes.
            let learn = order.guess.is_none();
            (order.done)(result.map(|answer| order.local.took(answer, begin.elapsed(), learn)));
        }
    }
}

fn take(order: Order, running: &mut Vec<Running>) {
    let begin = Instant::now();
    if order.local.model.manifest().text.is_none() {
        let result = order.local.run(&order.input, &order.parameters, order.seed, &order.stop);
        return (order.done)(result);
    }
    match order.local.model.begin(&order.input, &order.parameters, order.seed) {
        Ok(mut generation) => {
            if let Some(guess) = &order.guess {
                order.local.model.guess(&mut generation, guess);
            }
            running.push(Running { order, generation, begin });
        }
        Err(error) => (order.done)(Err(error)),
    }
}
