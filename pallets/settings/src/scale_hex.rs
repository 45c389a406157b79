//! Serde for values that know SCALE only: a list of hex strings.

use alloc::vec::Vec;
use codec::{Decode, DecodeAll, Encode};
use serde::{de::Error, ser::SerializeSeq, Deserialize, Deserializer, Serializer};
use sp_core::Bytes;

/// Writes each value as the hex string of its encoding.
pub(crate) fn serialize<Value: Encode, S: Serializer>(values: &[Value], serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(values.len()))?;
    for value in values {
        list.serialize_element(&Bytes(value.encode()))?;
    }
    list.end()
}

/// Reads what [`serialize`] has written; bytes left over are an error.
pub(crate) fn deserialize<'de, Value: Decode, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Value>, D::Error> {
    let list = Vec::<Bytes>::deserialize(deserializer)?;
    list.iter().map(|bytes| Value::decode_all(&mut bytes.0.as_slice()).map_err(D::Error::custom)).collect()
}
