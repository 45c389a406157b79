//! Serves one subscriber.

use crate::{chain::Chain, error::Error, follow::Follower, params::ChangeFilter};
use futures::{FutureExt, Stream, StreamExt};
use jsonrpsee::{SubscriptionMessage, SubscriptionSink};
use std::{sync::Arc, time::Duration};

/// How long a subscriber may take for what it is told at once.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Tells `sink` what happens on `chain` and fits `filter`, looking whenever there is `news`, until it unsubscribes or
/// the node stops.
///
/// Nothing piles up before a slow subscriber: what one look finds has to be taken, into the bounded buffer of its
/// connection, within `patience`; only then is there another look, which finds whatever has happened meanwhile.
///
/// # Errors
/// [`Error::TooSlow`], and those of [`Follower::step`].
pub async fn serve<C: Chain + Send + Sync + 'static>(
    chain: Arc<C>,
    mut news: impl Stream<Item = ()> + Unpin,
    sink: &SubscriptionSink,
    filter: ChangeFilter,
    patience: Duration,
) -> Result<(), Error> {
    let mut follower = Follower::new(chain.heads().finalized, filter);
    loop {
        let looking = {
            let chain = chain.clone();
            // Reading a block asks the runtime, which is too long for a thread that serves others.
            tokio::task::spawn_blocking(move || {
                let notices = follower.step(&*chain);
                (follower, notices)
            })
        };
        let (looked, notices) = looking.await.map_err(|error| Error::Internal(error.to_string()))?;
        follower = looked;
        let notices = notices?;
        let telling = async {
            for notice in &notices {
                let message =
                    SubscriptionMessage::from_json(notice).map_err(|error| Error::Internal(error.to_string()))?;
                if sink.send(message).await.is_err() {
                    return Ok(false);
                }
            }
            Ok::<_, Error>(true)
        };
        let told = tokio::time::timeout(patience, telling).await.map_err(|_| Error::TooSlow(patience.as_secs()))?;
        if !told? {
            return Ok(());
        }
        let more = tokio::select! {
            () = sink.closed() => None,
            more = news.next() => more,
        };
        if more.is_none() {
            return Ok(());
        }
        // However much news there is, one look finds all of it.
        while news.next().now_or_never().flatten().is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        answers::Block,
        chain::{Changes, Heads},
        farewell,
    };
    use assay_runtime_api::{Change, TaskChange};
    use assay_types::{AccountId, Hash, TaskId};
    use jsonrpsee::{RpcModule, SubscriptionCloseResponse};
    use serde_json::Value;

    /// A chain of one block in which much has happened.
    struct Crowded;

    const CHANGES: u32 = 20;

    impl Chain for Crowded {
        fn heads(&self) -> Heads {
            let at = |number| Block { number, hash: Hash::from_low_u64_be(number.into()) };
            Heads { best: at(1), finalized: at(0) }
        }

        fn parent(&self, _: Hash) -> Result<Hash, Error> {
            Ok(Hash::zero())
        }

        fn changes(&self, _: Block) -> Result<Changes, Error> {
            let change = |event| TaskChange {
                task: TaskId::zero(),
                owner: AccountId::new([1; 32]),
                model: Hash::zero(),
                solver: None,
                extrinsic: None,
                event,
                change: Change::Forgotten,
            };
            Ok((0..CHANGES).map(change).collect())
        }
    }

    /// Subscribes over a connection that has room for two messages, by a server with this patience; tells when it has ended.
    async fn subscribe(
        patience: Duration,
    ) -> (tokio::sync::mpsc::Receiver<String>, tokio::sync::oneshot::Receiver<()>) {
        let mut module = RpcModule::new(());
        let (end, ended) = tokio::sync::oneshot::channel();
        let end = Arc::new(std::sync::Mutex::new(Some(end)));
        module
            .register_subscription("subscribe", "notice", "unsubscribe", move |_, pending, _, _| {
                let end = end.clone();
                async move {
                    let Ok(sink) = pending.accept().await else { return SubscriptionCloseResponse::None };
                    let news = futures::stream::pending();
                    let served = serve(Arc::new(Crowded), news, &sink, ChangeFilter::default(), patience).await;
                    let end = end.lock().expect("nobody panicked here").take();
                    // The test may not want to know.
                    let _ = end.expect("there is one subscription").send(());
                    match served {
                        Ok(()) => SubscriptionCloseResponse::None,
                        Err(error) => farewell(error),
                    }
                }
            })
            .expect("no other method has these names");
        let request = r#"{"jsonrpc":"2.0","method":"subscribe","params":[],"id":1}"#;
        (module.raw_json_request(request, 2).await.expect("the subscription begins").1, ended)
    }

    async fn next(messages: &mut tokio::sync::mpsc::Receiver<String>) -> Value {
        let message = messages.recv().await.expect("there is another message");
        serde_json::from_str(&message).expect("messages are JSON")
    }

    #[tokio::test]
    async fn a_subscriber_who_reads_gets_everything_in_order() {
        let (mut messages, _ended) = subscribe(PATIENCE).await;
        for event in 0..CHANGES {
            let message = next(&mut messages).await;
            assert_eq!(message["method"], "notice");
            assert_eq!(message["params"]["result"]["event"], event, "{message}");
        }
    }

    #[tokio::test]
    async fn a_subscriber_who_does_not_read_is_told_so_and_dropped() {
        let (mut messages, ended) = subscribe(Duration::ZERO).await;
        ended.await.expect("it ends");
        let mut notices = 0;
        let error = loop {
            let message = next(&mut messages).await;
            match message["params"].get("error") {
                Some(error) => break error.clone(),
                None => notices += 1,
            }
        };
        assert!(notices < CHANGES, "the connection has no room for {notices} notices");
        assert_eq!(error["code"], 10_020);
        assert!(error["message"].as_str().expect("a text").contains("subscribe again and read faster"), "{error}");
        assert_eq!(messages.recv().await, None, "nothing comes after that");
    }
}
