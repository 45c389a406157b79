//! How a payload is named and cut into blocks: CIDv1, sha2-256, as `ipfs add --cid-version=1 --raw-leaves` does it.
//!
//! A payload of at most one leaf is one block of codec `raw`. A longer one is cut into leaves of [`LEAF`] bytes, the
//! last shorter, and named by a root of codec `dag-pb`: a UnixFS file that links to them in order. The longest payload
//! has fewer leaves than a node has links ([`MAX_LINKS`]), so the balanced tree of the standard tools never has more
//! than this one level. Its bytes follow from length and leaves alone, and a root that is spelt in any other way is refused.

use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};
use thiserror::Error;

/// Bytes of every leaf but the last: the chunk size that the standard tools use where nothing else is said.
pub const LEAF: usize = 256 * 1024;
/// Links of a node at most, as the standard tools have it.
pub const MAX_LINKS: usize = 174;
/// Bytes of the longest payload.
pub const MAX_PAYLOAD: u32 = 32 * 1024 * 1024;
/// Bytes of the longest block.
pub const MAX_BLOCK: usize = LEAF;

/// One level of links is enough, and their node is a block like any other.
const _: () = assert!(MAX_PAYLOAD as usize <= MAX_LINKS * LEAF && MAX_LINKS * LONGEST_LINK < MAX_BLOCK);
/// More than a link and the length of its leaf take in a root.
const LONGEST_LINK: usize = 64;
/// Bytes of a link up to the digest: its field, its length, the content id's field, its length and its beginning.
const LINK_HEAD: usize = 8;

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// Bytes of a payload.
    Raw,
    /// A root: links to leaves.
    DagPb,
}

impl Codec {
    /// Its number in the table of multicodecs.
    fn code(self) -> u8 {
        match self {
            Self::Raw => 0x55,
            Self::DagPb => 0x70,
        }
    }
}

/// The content id of a block: CIDv1 of one of two codecs, sha2-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockId {
    /// What the block is.
    pub codec: Codec,
    /// SHA-256 of its bytes.
    pub digest: [u8; 32],
}

impl BlockId {
    /// Bytes of the binary form.
    pub const BYTES: usize = 36;

    /// The id of a block.
    pub fn of(codec: Codec, block: &[u8]) -> Self {
        Self { codec, digest: Sha256::digest(block).into() }
    }

    /// Whether `block` is the one that is named.
    pub fn names(&self, block: &[u8]) -> bool {
        block.len() <= MAX_BLOCK && Self::of(self.codec, block) == *self
    }

    /// The binary form: version 1, codec, sha2-256, 32 bytes of digest.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..4].copy_from_slice(&[1, self.codec.code(), 0x12, 0x20]);
        bytes[4..].copy_from_slice(&self.digest);
        bytes
    }

    /// Reads the binary form; `None` for any other version, codec or hash.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let codec = [Codec::Raw, Codec::DagPb].into_iter().find(|codec| codec.code() == bytes[1])?;
        let mut digest = [0; 32];
        digest.copy_from_slice(&bytes[4..]);
        (bytes[0] == 1 && bytes[2..4] == [0x12, 0x20]).then_some(Self { codec, digest })
    }
}

impl fmt::Display for BlockId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cid = cid::Cid::try_from(&self.to_bytes()[..]).map_err(|_| fmt::Error)?;
        write!(formatter, "{cid}")
    }
}

/// A text is no content id of a block.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("'{0}' is no content id of version 1, codec raw or dag-pb and sha2-256")]
pub struct NoBlockId(String);

impl FromStr for BlockId {
    type Err = NoBlockId;

    fn from_str(text: &str) -> Result<Self, NoBlockId> {
        let fail = || NoBlockId(text.chars().take(80).collect());
        let cid = cid::Cid::from_str(text).map_err(|_| fail())?;
        let bytes: [u8; Self::BYTES] = cid.to_bytes().try_into().map_err(|_| fail())?;
        // One content has one name: other alphabets say the same, and are not used here.
        Self::from_bytes(&bytes).filter(|id| id.to_string() == text).ok_or_else(fail)
    }
}

/// What names a payload wherever one is needed: the digest of its root, and its length, which says what the root is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Content {
    /// SHA-256 of the root.
    pub digest: [u8; 32],
    /// Bytes of the payload.
    pub length: u32,
}

/// A payload is longer than any may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0} bytes are too many: at most {MAX_PAYLOAD} travel between peers")]
pub struct TooLong(pub u64);

/// A block names itself the root of a payload, and is none, or of another length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the root is not laid out as that of a payload of the length that is claimed")]
pub struct WrongLayout;

impl Content {
    /// The name of `payload`.
    ///
    /// # Errors
    /// It is longer than [`MAX_PAYLOAD`].
    pub fn of(payload: &[u8]) -> Result<Self, TooLong> {
        Ok(Tree::of(payload)?.content)
    }

    /// The root's id: the codec follows from the length.
    pub fn root(&self) -> BlockId {
        let codec = if self.length as usize > LEAF { Codec::DagPb } else { Codec::Raw };
        BlockId { codec, digest: self.digest }
    }

    /// The name of the payload whose root `block` is.
    ///
    /// # Errors
    /// It is not laid out as a root is.
    pub fn of_root(codec: Codec, block: &[u8]) -> Result<Self, WrongLayout> {
        let length = match codec {
            Codec::Raw => u32::try_from(block.len()).map_err(|_| WrongLayout)?,
            Codec::DagPb => read_root(block)?.0,
        };
        Ok(Self { digest: BlockId::of(codec, block).digest, length })
    }

    /// The ids of the leaves, in order, from the root's block, which must be the one that is named.
    ///
    /// # Errors
    /// The root is not one of a payload of this length.
    pub fn leaves(&self, root: &[u8]) -> Result<Vec<BlockId>, WrongLayout> {
        match self.root() {
            id @ BlockId { codec: Codec::Raw, .. } => {
                (root.len() == self.length as usize).then(|| vec![id]).ok_or(WrongLayout)
            }
            BlockId { codec: Codec::DagPb, .. } => {
                let (length, leaves) = read_root(root)?;
                if length != self.length {
                    return Err(WrongLayout);
                }
                Ok(leaves.into_iter().map(|digest| BlockId { codec: Codec::Raw, digest }).collect())
            }
        }
    }

    /// Blocks of the payload.
    pub fn blocks(&self) -> usize {
        match (self.length as usize).div_ceil(LEAF) {
            0 | 1 => 1,
            leaves => leaves + 1,
        }
    }

    /// Bytes of the leaf at `index`.
    pub fn leaf_length(&self, index: usize) -> usize {
        (self.length as usize).saturating_sub(index.saturating_mul(LEAF)).min(LEAF)
    }
}

/// A payload cut into blocks.
#[derive(Debug)]
pub struct Tree<'a> {
    /// The payload's name.
    pub content: Content,
    /// The root, where it is another block than the only leaf.
    pub root: Option<Vec<u8>>,
    /// The leaves in order.
    pub leaves: Vec<(BlockId, &'a [u8])>,
}

impl<'a> Tree<'a> {
    /// Cuts `payload`.
    ///
    /// # Errors
    /// It is longer than [`MAX_PAYLOAD`].
    pub fn of(payload: &'a [u8]) -> Result<Self, TooLong> {
        let too_long = || TooLong(payload.len() as u64);
        let length = u32::try_from(payload.len()).ok().filter(|length| *length <= MAX_PAYLOAD).ok_or_else(too_long)?;
        if payload.len() <= LEAF {
            let id = BlockId::of(Codec::Raw, payload);
            return Ok(Self {
                content: Content { digest: id.digest, length },
                root: None,
                leaves: vec![(id, payload)],
            });
        }
        let leaves: Vec<_> = payload.chunks(LEAF).map(|leaf| (BlockId::of(Codec::Raw, leaf), leaf)).collect();
        let root = write_root(length, leaves.iter().map(|(id, _)| id.digest));
        let content = Content { digest: BlockId::of(Codec::DagPb, &root).digest, length };
        Ok(Self { content, root: Some(root), leaves })
    }
}

/// Writes a number as protocol buffers do: seven bits in each byte, the lowest first.
fn varint(mut number: u64, into: &mut Vec<u8>) {
    while number >= 0x80 {
        into.push(number as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

/// Writes a field of bytes of protocol buffers.
fn field(number: u8, bytes: &[u8], into: &mut Vec<u8>) {
    into.push(number << 3 | 2);
    varint(bytes.len() as u64, into);
    into.extend_from_slice(bytes);
}

/// Writes a field of a number of protocol buffers.
fn number_field(number: u8, value: u64, into: &mut Vec<u8>) {
    into.push(number << 3);
    varint(value, into);
}

/// The root of a payload of `length` bytes: a dag-pb node whose data is a UnixFS file (type 2), with its size and those
/// of its leaves. Links come before the data, as the canonical form of dag-pb wants it.
fn write_root(length: u32, leaves: impl Iterator<Item = [u8; 32]>) -> Vec<u8> {
    let content = Content { digest: [0; 32], length };
    let mut root = Vec::new();
    let mut data = Vec::new();
    number_field(1, 2, &mut data);
    number_field(3, u64::from(length), &mut data);
    for (index, digest) in leaves.enumerate() {
        let size = content.leaf_length(index) as u64;
        let mut link = Vec::new();
        field(1, &BlockId { codec: Codec::Raw, digest }.to_bytes(), &mut link);
        field(2, b"", &mut link);
        number_field(3, size, &mut link);
        field(2, &link, &mut root);
        number_field(4, size, &mut data);
    }
    field(1, &data, &mut root);
    root
}

/// The length and the leaves' digests of a root. What is read is written again: nothing but the very bytes will do.
fn read_root(block: &[u8]) -> Result<(u32, Vec<[u8; 32]>), WrongLayout> {
    let (mut length, mut digests) = (0u64, Vec::new());
    let mut rest = block;
    while rest.first() == Some(&(2 << 3 | 2)) && digests.len() < MAX_LINKS {
        let inside = usize::from(*rest.get(1).ok_or(WrongLayout)?);
        let link = rest.get(..2 + inside).ok_or(WrongLayout)?;
        let digest = link.get(LINK_HEAD..LINK_HEAD + 32).ok_or(WrongLayout)?;
        digests.push(digest.try_into().map_err(|_| WrongLayout)?);
        // After the digest: an empty name in two bytes, then the field of the size.
        let size = link.get(LINK_HEAD + 32 + 3..).ok_or(WrongLayout)?;
        let size =
            size.iter().rev().try_fold(0u64, |size, byte| size.checked_mul(128)?.checked_add(u64::from(byte & 0x7f)));
        length = length.checked_add(size.ok_or(WrongLayout)?).ok_or(WrongLayout)?;
        rest = &rest[2 + inside..];
    }
    let length = u32::try_from(length).ok().filter(|length| (LEAF as u32 + 1..=MAX_PAYLOAD).contains(length));
    let length = length.ok_or(WrongLayout)?;
    let is_whole = digests.len() == (length as usize).div_ceil(LEAF);
    if !is_whole || write_root(length, digests.iter().copied()) != block {
        return Err(WrongLayout);
    }
    Ok((length, digests))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Bytes that every implementation can make for itself.
    fn payload(length: usize) -> Vec<u8> {
        (0..length).map(|i| (i * 31 + (i >> 8) * 17 + (i >> 16) * 7) as u8).collect()
    }

    /// From two other implementations, which agree: the npm package ipfs-unixfs-importer 17.1.1 with `cidVersion: 1,
    /// rawLeaves: true, reduceSingleLeafToSelf: true`, chunks of 262,144 bytes and a balanced layout of 174 children;
    /// and forty lines of Python that write the protocol buffers by hand.
    const KNOWN: [(usize, &str); 9] = [
        (0, "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"),
        (1, "bafkreidogqfzz75tpkmjzjke425xqcrmpcib2p5tg44hnbirumdbpl5adu"),
        (262_143, "bafkreih2wtlmo64i345cd5tekxppqq5yh53tlowxdfyrhribgw3h262neu"),
        (262_144, "bafkreifruai7jbupz5e7nlana76boisqivfiesjk6qeod22wxv6rbymolq"),
        (262_145, "bafybeid5nkyngbvnaenoxra4dc5gi4bvkiv366blzqfges3bz6lpvgckti"),
        (524_288, "bafybeid2okt6bygxwsz7v7kjyhtmfeesfbqwsstfx5ps7pfeyjjz64hjie"),
        (1_000_000, "bafybeiai25fda2j6ccit4s3ftnfsro6qdhbvonclubiglcdohsqdjbptdm"),
        (16_777_216, "bafybeig2s6fejb6jybcd7dqfgyptfyltzptduz3oqitiwj32bwu77scedq"),
        (33_554_432, "bafybeigcdnp7xupiaczfan6rrliyksku7l7cm2bohftm3cbij74gtmwp64"),
    ];
    /// The root of 262,145 bytes, from the same npm package.
    const ROOT: &str = "122c0a2401551220b1a011f4868fcf49f6ac0d07fc172250454a82492af408e1eb56bd7d10e18e5c1200188080\
                        10122a0a2401551220bd4fc42a21f1f860a1030e6eba23d53ecab71bd19297ab6c074381d4ecee0018120018010a\
                        0c080218818010208080102001";

    fn hexadecimal(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn known_payloads_have_the_names_that_the_standard_tools_give() {
        for (length, name) in KNOWN {
            let payload = payload(length);
            let tree = Tree::of(&payload).unwrap();
            assert_eq!(tree.content.root().to_string(), name, "{length} bytes");
            assert_eq!(name.parse(), Ok(tree.content.root()));
            assert_eq!(tree.content.length as usize, length);
        }
        assert_eq!(hexadecimal(&Tree::of(&payload(262_145)).unwrap().root.unwrap()), ROOT);
    }

    #[test]
    fn a_payload_that_is_too_long_has_no_name() {
        let long = MAX_PAYLOAD as usize + 1;
        assert_eq!(Content::of(&vec![0; long]).unwrap_err(), TooLong(long as u64));
    }

    #[test]
    fn other_names_are_refused() {
        for text in [
            "",
            "bafkreib",
            // Version 0, base58; another codec (dag-cbor); the same in upper case.
            "QmbWqxBEKC3P8tqsKc98xmWNzrzDtRLMiMPL8wBuTGsMnR",
            "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua",
            "BAFKREIHDWDCEFGH4DQKJV67UZCMW7OJEE6XEDZDETOJUZJEVTENXQUVYKU",
        ] {
            assert!(text.parse::<BlockId>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_length_is_part_of_the_name() {
        let payload = payload(LEAF + 1);
        let tree = Tree::of(&payload).unwrap();
        let root = tree.root.unwrap();
        for length in [LEAF as u32 + 2, 2 * LEAF as u32, 2 * LEAF as u32 + 1, MAX_PAYLOAD, u32::MAX] {
            assert_eq!(Content { length, ..tree.content }.leaves(&root), Err(WrongLayout), "{length}");
        }
        // Of a length that one leaf has, it is no root at all.
        assert_eq!(Content { length: 5, ..tree.content }.leaves(&root), Err(WrongLayout));
        assert_eq!(Content::of(b"four").unwrap().leaves(b"four").unwrap().len(), 1);
        assert_eq!(Content { length: 5, ..Content::of(b"four").unwrap() }.leaves(b"four"), Err(WrongLayout));
    }

    #[test]
    fn a_root_that_is_spelt_in_another_way_is_refused() {
        let root = Tree::of(&payload(3 * LEAF)).unwrap().root.unwrap();
        let more = [&root[..], &[0x20, 0x01]].concat();
        let nothing_inside = [0x12, 0x00];
        let a_directory = {
            let mut other = root.clone();
            // The type of the UnixFS data: 2 is a file, 1 a directory.
            let place = other.windows(3).rposition(|bytes| bytes == [0x08, 0x02, 0x18]).unwrap();
            other[place + 1] = 1;
            other
        };
        for wrong in [&more[..], &nothing_inside, &a_directory, b"", &root[..root.len() - 1]] {
            assert!(Content::of_root(Codec::DagPb, wrong).is_err());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_payload_comes_back_from_its_blocks(length in 0..4 * LEAF, seed in any::<u64>()) {
            let payload: Vec<u8> = (0..length).map(|i| (seed.wrapping_mul(i as u64 + 1) >> 13) as u8).collect();
            let tree = Tree::of(&payload).unwrap();
            let root = tree.root.as_deref().unwrap_or(&payload);
            prop_assert!(tree.content.root().names(root));
            prop_assert_eq!(Content::of_root(tree.content.root().codec, root), Ok(tree.content));
            let leaves = tree.content.leaves(root).unwrap();
            prop_assert_eq!(&leaves, &tree.leaves.iter().map(|(id, _)| *id).collect::<Vec<_>>());
            let mut back = Vec::new();
            for (index, (id, leaf)) in tree.leaves.iter().enumerate() {
                prop_assert!(id.names(leaf));
                prop_assert_eq!(leaf.len(), tree.content.leaf_length(index));
                back.extend_from_slice(leaf);
            }
            prop_assert_eq!(back, payload);
        }

        #[test]
        fn a_block_that_is_cut_or_changed_is_not_the_one_that_is_named(
            block in proptest::collection::vec(any::<u8>(), 1..2048),
            place in any::<proptest::sample::Index>(),
            change in 1..=255u8,
        ) {
            let id = BlockId::of(Codec::Raw, &block);
            let cut = &block[..place.index(block.len())];
            let mut changed = block.clone();
            changed[place.index(block.len())] ^= change;
            prop_assert!(id.names(&block) && !id.names(cut) && !id.names(&changed));
        }

        #[test]
        fn a_root_with_any_byte_changed_is_refused_or_another(
            place in any::<proptest::sample::Index>(),
            change in 1..=255u8,
        ) {
            let payload = payload(3 * LEAF + 7);
            let tree = Tree::of(&payload).unwrap();
            let mut root = tree.root.unwrap();
            let place = place.index(root.len());
            root[place] ^= change;
            prop_assert!(!tree.content.root().names(&root));
            // What is left of its layout is either none or that of other leaves.
            if let Ok(other) = Content::of_root(Codec::DagPb, &root) {
                prop_assert_ne!(other.digest, tree.content.digest);
                prop_assert_eq!(other.length, tree.content.length);
            }
        }

        #[test]
        fn reading_any_bytes_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..512), text in ".{0,80}") {
            let _ = Content::of_root(Codec::DagPb, &bytes);
            let _ = Content::of_root(Codec::DagPb, &[&[0x12, 0x2c, 0x0a, 0x24, 1, 0x55, 0x12, 0x20][..], &bytes].concat());
            let _ = text.parse::<BlockId>();
        }
    }
}
