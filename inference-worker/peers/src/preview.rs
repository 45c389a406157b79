//! Previews: what one peer asks of another about work that is under way. Here it is bytes within bounds; what they mean,
//! and who may have them, is a matter of those that ask and answer. The connection is encrypted, and proves to either who
//! the other is.
//!
//! Whoever is asked may take [`WAIT`] to answer, so that news need not be asked for again and again.

use crate::PeerId;
use async_trait::async_trait;
use futures::{io, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::{
    request_response::{self, ResponseChannel},
    StreamProtocol,
};
use std::time::Duration;
use tokio::sync::mpsc;

/// The protocol's name.
pub const PROTOCOL: StreamProtocol = StreamProtocol::new("/assay/preview/1");
/// Most bytes of a request.
pub const MAX_REQUEST: usize = 512;
/// Most bytes of a reply.
pub const MAX_REPLY: usize = 64 * 1024;
/// How long an answer may be waited for until there is something to say.
pub const WAIT: Duration = Duration::from_secs(10);

/// How long an answer may take in all, its way included.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);
/// Requests and replies over one connection at the same time.
pub(crate) const STREAMS: usize = 64;
/// Requests that were not looked at yet.
pub(crate) const WAITING: usize = 64;

/// What was read of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// What was sent.
    Bytes(Vec<u8>),
    /// It claimed more bytes than any may have.
    Malformed,
    /// Nothing came for too long.
    Slow,
}

/// What a peer asks. One that is dropped is not answered.
#[derive(Debug)]
pub struct Asked {
    /// Who asks, as its connection proves.
    pub peer: PeerId,
    /// What.
    pub request: Vec<u8>,
    pub(crate) channel: ResponseChannel<Frame>,
    pub(crate) given: mpsc::UnboundedSender<Given>,
}

/// What becomes of what a peer asked: an answer, or why the peer is not talked to any more.
#[derive(Debug)]
pub(crate) struct Given {
    pub peer: PeerId,
    pub channel: ResponseChannel<Frame>,
    pub answer: Result<Vec<u8>, String>,
}

impl Asked {
    /// Answers, with [`MAX_REPLY`] bytes at most.
    pub fn answer(self, bytes: Vec<u8>) {
        self.give(Ok(bytes));
    }

    /// Drops the peer for good: no honest one asks this.
    pub fn accuse(self, reason: String) {
        self.give(Err(reason));
    }

    fn give(self, answer: Result<Vec<u8>, String>) {
        let Self { peer, channel, given, .. } = self;
        // The node may be gone.
        let _ = given.send(Given { peer, channel, answer });
    }
}

/// Reads and writes the protocol: four bytes of length, the lowest first, and as many bytes.
#[derive(Clone, Debug)]
pub(crate) struct Codec {
    /// How long a request may take to arrive.
    pub patience: Duration,
}

async fn read<T: AsyncRead + Unpin + Send>(io: &mut T, most: usize) -> io::Result<Frame> {
    let mut length = [0; 4];
    io.read_exact(&mut length).await?;
    let length = u32::from_le_bytes(length) as usize;
    if length > most {
        return Ok(Frame::Malformed);
    }
    let mut bytes = vec![0; length];
    io.read_exact(&mut bytes).await?;
    Ok(Frame::Bytes(bytes))
}

async fn write<T: AsyncWrite + Unpin + Send>(io: &mut T, frame: Frame, most: usize) -> io::Result<()> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
    let Frame::Bytes(bytes) = frame else { return Err(invalid()) };
    if bytes.len() > most {
        return Err(invalid());
    }
    let length = u32::try_from(bytes.len()).map_err(|_| invalid())?;
    io.write_all(&length.to_le_bytes()).await?;
    io.write_all(&bytes).await
}

#[async_trait]
impl request_response::Codec for Codec {
    type Protocol = StreamProtocol;
    type Request = Frame;
    type Response = Frame;

    async fn read_request<T: AsyncRead + Unpin + Send>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Frame> {
        tokio::time::timeout(self.patience, read(io, MAX_REQUEST)).await.unwrap_or(Ok(Frame::Slow))
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Frame> {
        read(io, MAX_REPLY).await
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        request: Frame,
    ) -> io::Result<()> {
        write(io, request, MAX_REQUEST).await
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        reply: Frame,
    ) -> io::Result<()> {
        write(io, reply, MAX_REPLY).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::io::Cursor;
    use libp2p::request_response::Codec as _;
    use proptest::prelude::*;

    fn codec() -> Codec {
        Codec { patience: Duration::from_millis(100) }
    }

    fn run<T>(future: impl std::future::Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    fn request(bytes: &[u8]) -> io::Result<Frame> {
        run(codec().read_request(&PROTOCOL, &mut Cursor::new(bytes)))
    }

    fn reply(bytes: &[u8]) -> io::Result<Frame> {
        run(codec().read_response(&PROTOCOL, &mut Cursor::new(bytes)))
    }

    #[test]
    fn what_is_written_is_read() {
        for sent in [vec![], b"x".to_vec(), vec![7; MAX_REQUEST]] {
            let (mut asked, mut given) = (Vec::new(), Vec::new());
            run(codec().write_request(&PROTOCOL, &mut asked, Frame::Bytes(sent.clone()))).unwrap();
            run(codec().write_response(&PROTOCOL, &mut given, Frame::Bytes(sent.clone()))).unwrap();
            assert_eq!(request(&asked).unwrap(), Frame::Bytes(sent.clone()));
            assert_eq!(reply(&given).unwrap(), Frame::Bytes(sent));
        }
    }

    #[test]
    fn what_is_longer_than_any_may_be_is_neither_written_nor_read() {
        let long = |length: usize| Frame::Bytes(vec![0; length]);
        assert!(run(codec().write_request(&PROTOCOL, &mut Vec::new(), long(MAX_REQUEST + 1))).is_err());
        assert!(run(codec().write_response(&PROTOCOL, &mut Vec::new(), long(MAX_REPLY + 1))).is_err());
        assert_eq!(request(&(MAX_REQUEST as u32 + 1).to_le_bytes()).unwrap(), Frame::Malformed);
        assert_eq!(reply(&u32::MAX.to_le_bytes()).unwrap(), Frame::Malformed);
        assert!(request(&[1, 0, 0, 0]).is_err(), "the connection broke");
    }

    #[test]
    fn a_request_that_does_not_come_is_not_waited_for() {
        struct Never;
        impl AsyncRead for Never {
            fn poll_read(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
                _: &mut [u8],
            ) -> std::task::Poll<io::Result<usize>> {
                std::task::Poll::Pending
            }
        }
        assert_eq!(run(codec().read_request(&PROTOCOL, &mut Never)).unwrap(), Frame::Slow);
    }

    proptest! {
        #[test]
        fn reading_any_bytes_never_panics_or_grows(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            for read in [request(&bytes), reply(&bytes)] {
                if let Ok(Frame::Bytes(read)) = read {
                    prop_assert!(read.len() < bytes.len());
                }
            }
        }
    }
}
