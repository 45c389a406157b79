//! The protocol of blocks: one stream for each, a content id there, the block back.
//!
//! Request: the 36 bytes of the content id. Reply: one byte that says what it is; for a block, its length in four bytes,
//! the lowest first, and its bytes. Nothing is read beyond what these lengths allow, and what no honest peer sends is
//! given on as such, so that whoever sent it is told from one whose connection broke.

use crate::tree::{BlockId, MAX_BLOCK};
use async_trait::async_trait;
use futures::{io, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::{request_response, StreamProtocol};
use std::time::Duration;

/// The protocol's name.
pub const PROTOCOL: StreamProtocol = StreamProtocol::new("/assay/block/1");

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A block.
    Block(BlockId),
    /// Something that is no content id.
    Malformed,
    /// Nothing, for too long.
    Slow,
}

/// What comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The block's bytes, unchecked.
    Block(Vec<u8>),
    /// It is not there.
    Missing,
    /// Ask again later, or somebody else.
    Busy,
    /// What no honest peer sends.
    Malformed(String),
}

const BLOCK: u8 = 0;
const MISSING: u8 = 1;
const BUSY: u8 = 2;

/// Reads and writes the protocol.
#[derive(Clone, Debug)]
pub struct Codec {
    /// How long a request may take to arrive.
    pub patience: Duration,
}

#[async_trait]
impl request_response::Codec for Codec {
    type Protocol = StreamProtocol;
    type Request = Request;
    type Response = Reply;

    async fn read_request<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Request> {
        let mut bytes = [0; BlockId::BYTES];
        match tokio::time::timeout(self.patience, io.read_exact(&mut bytes)).await {
            Ok(Ok(())) => Ok(BlockId::from_bytes(&bytes).map_or(Request::Malformed, Request::Block)),
            Ok(Err(error)) => Err(error),
            Err(_) => Ok(Request::Slow),
        }
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Reply> {
        let mut kind = [0];
        io.read_exact(&mut kind).await?;
        match kind[0] {
            BLOCK => {}
            MISSING => return Ok(Reply::Missing),
            BUSY => return Ok(Reply::Busy),
            other => return Ok(Reply::Malformed(format!("it sent a reply of kind {other}"))),
        }
        let mut length = [0; 4];
        io.read_exact(&mut length).await?;
        let length = u32::from_le_bytes(length) as usize;
        if length > MAX_BLOCK {
            return Ok(Reply::Malformed(format!("it claimed a block of {length} bytes")));
        }
        // What was claimed is not given memory before it comes.
        let mut block = Vec::new();
        io.take(length as u64).read_to_end(&mut block).await?;
        if block.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Reply::Block(block))
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        request: Request,
    ) -> io::Result<()> {
        match request {
            Request::Block(id) => io.write_all(&id.to_bytes()).await,
            Request::Malformed | Request::Slow => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        reply: Reply,
    ) -> io::Result<()> {
        match reply {
            Reply::Block(block) => {
                let length = u32::try_from(block.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
                io.write_all(&[BLOCK]).await?;
                io.write_all(&length.to_le_bytes()).await?;
                io.write_all(&block).await
            }
            Reply::Missing => io.write_all(&[MISSING]).await,
            Reply::Busy => io.write_all(&[BUSY]).await,
            Reply::Malformed(_) => Err(io::ErrorKind::InvalidInput.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;
    use futures::io::Cursor;
    use libp2p::request_response::Codec as _;
    use proptest::prelude::*;

    fn codec() -> Codec {
        Codec { patience: Duration::from_millis(100) }
    }

    fn run<T>(future: impl std::future::Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    fn request(bytes: &[u8]) -> io::Result<Request> {
        run(codec().read_request(&PROTOCOL, &mut Cursor::new(bytes)))
    }

    fn reply(bytes: &[u8]) -> io::Result<Reply> {
        run(codec().read_response(&PROTOCOL, &mut Cursor::new(bytes)))
    }

    #[test]
    fn what_is_written_is_read() {
        let id = BlockId::of(tree::Codec::Raw, b"x");
        let mut bytes = Vec::new();
        run(codec().write_request(&PROTOCOL, &mut bytes, Request::Block(id))).unwrap();
        assert_eq!(request(&bytes).unwrap(), Request::Block(id));
        for sent in [Reply::Block(b"x".to_vec()), Reply::Block(vec![]), Reply::Missing, Reply::Busy] {
            let mut bytes = Vec::new();
            run(codec().write_response(&PROTOCOL, &mut bytes, sent.clone())).unwrap();
            assert_eq!(reply(&bytes).unwrap(), sent);
        }
    }

    #[test]
    fn what_no_honest_peer_sends_is_told_from_a_broken_connection() {
        assert_eq!(request(&[0; 36]).unwrap(), Request::Malformed);
        assert!(request(&[0; 35]).is_err());
        assert!(reply(&[]).is_err());
        assert!(reply(&[BLOCK, 1, 0]).is_err());
        assert!(reply(&[BLOCK, 5, 0, 0, 0, 1, 2]).is_err());
        for bytes in [&[9][..], &[BLOCK, 1, 0, 4, 0], &[BLOCK, 255, 255, 255, 255]] {
            assert!(matches!(reply(bytes).unwrap(), Reply::Malformed(_)), "{bytes:?}");
        }
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
        assert_eq!(run(codec().read_request(&PROTOCOL, &mut Never)).unwrap(), Request::Slow);
    }

    proptest! {
        #[test]
        fn reading_any_bytes_never_panics_or_grows(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            let _ = request(&bytes);
            if let Ok(Reply::Block(block)) = reply(&bytes) {
                prop_assert!(block.len() < bytes.len());
            }
        }
    }
}
