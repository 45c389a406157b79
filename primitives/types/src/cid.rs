//! Content ids: CIDv1, hash sha2-256, as `ipfs add --cid-version=1 --raw-leaves` gives them.
//!
//! The chain keeps the digest alone. Where a length stands beside it, as with every payload that is kept elsewhere, that
//! tells the rest: up to 256 KiB the content is one block of codec `raw`, and its digest is the content's own; beyond, it
//! is the digest of the root of a chunk tree, codec `dag-pb`. The chain computes content ids of one block only.

use alloc::{string::String, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Version 1, codec `raw` (0x55), multihash sha2-256 (0x12) of 32 bytes.
const PREFIX: [u8; 4] = [0x01, 0x55, 0x12, 0x20];
/// RFC 4648 base32 in lower case, the default text form of a CIDv1.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The content id of a payload. Only the digest is stored; as text and bytes it is shown as that of one block.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Cid(pub [u8; 32]);

impl Cid {
    /// The content id of `payload` as one block.
    pub fn of(payload: &[u8]) -> Self {
        Self(sp_crypto_hashing::sha2_256(payload))
    }

    /// The 36 bytes of the binary form.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&PREFIX[..], &self.0[..]].concat()
    }

    /// Reads the binary form; `None` for any other version, codec or hash.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.strip_prefix(&PREFIX[..])?.try_into().ok().map(Self)
    }

    /// Reads the text form (`b`, then base32 in lower case); `None` if it is not one this chain uses.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = Vec::with_capacity(36);
        let (mut bits, mut held) = (0u32, 0u32);
        for character in text.strip_prefix('b')?.bytes() {
            let value = BASE32.iter().position(|c| *c == character)? as u32;
            bits = (bits << 5) | value;
            held += 5;
            if held >= 8 {
                held -= 8;
                bytes.push((bits >> held) as u8);
                bits &= (1 << held) - 1;
            }
        }
        // What is left over is padding and must be zero, or one content would have several names.
        if bits != 0 || held >= 5 {
            return None;
        }
        Self::from_bytes(&bytes)
    }
}

impl core::fmt::Display for Cid {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut text = String::from("b");
        let (mut bits, mut held) = (0u32, 0u32);
        for byte in PREFIX.iter().chain(self.0.iter()) {
            bits = (bits << 8) | u32::from(*byte);
            held += 8;
            while held >= 5 {
                held -= 5;
                text.push(char::from(BASE32[((bits >> held) & 31) as usize]));
            }
            bits &= (1 << held) - 1;
        }
        if held > 0 {
            text.push(char::from(BASE32[((bits << (5 - held)) & 31) as usize]));
        }
        formatter.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use multihash_codetable::{Code, MultihashDigest};
    use proptest::prelude::*;

    #[test]
    fn known_contents_have_their_known_names() {
        assert_eq!(Cid::of(b"hello").to_string(), "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq");
        assert_eq!(Cid::of(b"").to_string(), "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
    }

    #[test]
    fn other_codecs_and_versions_are_refused() {
        let digest = Code::Sha2_256.digest(b"x");
        assert_eq!(Cid::from_bytes(&cid::Cid::new_v1(0x70, digest).to_bytes()), None);
        assert_eq!(Cid::parse(&cid::Cid::new_v0(digest).unwrap().to_string()), None);
        assert_eq!(Cid::parse(""), None);
        assert_eq!(Cid::parse("bafkreib"), None);
        assert_eq!(Cid::parse(&Cid::of(b"x").to_string().to_uppercase()), None);
    }

    proptest! {
        #[test]
        fn agrees_with_the_reference_library(payload in proptest::collection::vec(any::<u8>(), 0..2048)) {
            let ours = Cid::of(&payload);
            let reference = cid::Cid::new_v1(0x55, Code::Sha2_256.digest(&payload));
            prop_assert_eq!(ours.to_string(), reference.to_string());
            prop_assert_eq!(ours.to_bytes(), reference.to_bytes());
            prop_assert_eq!(Cid::parse(&ours.to_string()), Some(ours));
        }

        #[test]
        fn parse_never_panics(text in ".{0,80}") {
            let _ = Cid::parse(&text);
        }
    }
}
