//! The GGUF container: metadata by name, and tensors by name with their places. Little-endian, versions 2 and 3.
//!
//! Nothing is believed: every count is checked against the bytes that are there before memory is taken for it, every
//! place against the file's end, and names and tensors may neither repeat nor overlap.

use super::blocks::Kind;
use crate::EngineError;
use std::{collections::BTreeMap, ops::Range};

/// First bytes of the format.
const MAGIC: &[u8] = b"GGUF";
/// Where tensors begin, if the file does not say.
const DEFAULT_ALIGNMENT: usize = 32;
/// Most fields of metadata and most tensors.
const MAX_ENTRIES: u64 = 1 << 16;
/// Most elements of a list of metadata.
const MAX_LIST: u64 = 1 << 22;
/// Most bytes of a field's or a tensor's name.
const MAX_NAME: u64 = 1 << 10;
/// Most bytes of a text.
const MAX_TEXT: u64 = 1 << 20;
/// Most dimensions of a tensor.
const MAX_DIMENSIONS: u32 = 4;

/// A field of metadata.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Any integer type.
    Integer(i128),
    /// Single precision.
    F32(f32),
    /// Double precision.
    F64(f64),
    /// A truth value.
    Flag(bool),
    /// A text.
    Text(String),
    /// Elements that were walked over once and are read again when they are wanted.
    List(List),
}

/// A list of metadata: where its elements are.
#[derive(Clone, Debug, PartialEq)]
pub struct List {
    kind: u32,
    count: usize,
    bytes: Range<usize>,
}

/// A tensor's place.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// Sizes as a row-major array has them: the last one changes fastest.
    pub shape: Vec<usize>,
    /// How elements are stored.
    pub kind: Kind,
    /// Its bytes in the file.
    pub bytes: Range<usize>,
}

/// A GGUF file in memory.
pub struct Container<B> {
    bytes: B,
    metadata: BTreeMap<String, Value>,
    tensors: BTreeMap<String, Tensor>,
}

fn broken(reason: impl std::fmt::Display) -> EngineError {
    EngineError::Weights(format!("not a sound GGUF file: {reason}"))
}

impl<B: AsRef<[u8]>> Container<B> {
    /// Reads the metadata and the tensors' places.
    pub fn open(bytes: B) -> Result<Self, EngineError> {
        let mut reader = Reader { bytes: bytes.as_ref(), at: 0 };
        if reader.take(4, "the magic number")? != MAGIC {
            return Err(broken("it does not begin with the letters GGUF"));
        }
        let version = reader.u32("the version")?;
        if !(2..=3).contains(&version) {
            return Err(broken(format!("its version is {version}, 2 and 3 are known (in little-endian order)")));
        }
        let tensors = reader.count("the number of tensors", MAX_ENTRIES)?;
        let fields = reader.count("the number of fields", MAX_ENTRIES)?;
        let mut metadata = BTreeMap::new();
        for _ in 0..fields {
            let name = reader.text("a field's name", MAX_NAME)?.to_string();
            let kind = reader.u32(&name)?;
            let value = reader.value(kind, &name)?;
            if metadata.insert(name.clone(), value).is_some() {
                return Err(broken(format!("the field '{name}' is there twice")));
            }
        }
        let mut places = Vec::new();
        for _ in 0..tensors {
            places.push(reader.tensor()?);
        }
        let alignment = match metadata.get("general.alignment") {
            None => DEFAULT_ALIGNMENT,
            Some(Value::Integer(size @ 1..=65_536)) if (*size as usize).is_power_of_two() => *size as usize,
            Some(_) => return Err(broken("general.alignment is no power of two up to 65536")),
        };
        let data = reader.at.next_multiple_of(alignment);
        let end = reader.bytes.len();
        let mut tensors = BTreeMap::new();
        for (name, shape, kind, offset) in places {
            let place = place(&shape, kind, offset, data, alignment, end);
            let bytes = place.map_err(|reason| broken(format!("the tensor '{name}' {reason}")))?;
            if tensors.insert(name.clone(), Tensor { shape, kind, bytes }).is_some() {
                return Err(broken(format!("the tensor '{name}' is there twice")));
            }
        }
        let mut order: Vec<(&String, &Tensor)> = tensors.iter().collect();
        order.sort_by_key(|(_, tensor)| tensor.bytes.start);
        for pair in order.windows(2) {
            if let [(first, a), (second, b)] = pair {
                if a.bytes.end > b.bytes.start {
                    return Err(broken(format!("the tensors '{first}' and '{second}' overlap")));
                }
            }
        }
        Ok(Self { bytes, metadata, tensors })
    }

    /// Names of all fields.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.metadata.keys().map(String::as_str)
    }

    /// All tensors.
    pub fn tensors(&self) -> &BTreeMap<String, Tensor> {
        &self.tensors
    }

    /// The stored bytes of a tensor.
    pub fn data(&self, tensor: &Tensor) -> &[u8] {
        self.bytes.as_ref().get(tensor.bytes.clone()).unwrap_or_default()
    }

    /// A field, if it is there.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.metadata.get(name)
    }

    /// A text, if the field is there.
    pub fn text(&self, name: &str) -> Result<Option<&str>, EngineError> {
        self.field(name, "a text", |value| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// A number of things, if the field is there.
    pub fn size(&self, name: &str) -> Result<Option<usize>, EngineError> {
        self.field(name, "a number of things", |value| match value {
            Value::Integer(size) => usize::try_from(*size).ok(),
            _ => None,
        })
    }

    /// A truth value, if the field is there.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, EngineError> {
        self.field(name, "true or false", |value| match value {
            Value::Flag(flag) => Some(*flag),
            _ => None,
        })
    }

    fn field<'a, T>(
        &'a self,
        name: &str,
        what: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, EngineError> {
        match self.metadata.get(name) {
            None => Ok(None),
            Some(value) => match read(value) {
                Some(value) => Ok(Some(value)),
                None => Err(EngineError::Unsupported(format!("the field '{name}' is not {what}"))),
            },
        }
    }

    /// A list of texts, if the field is there.
    pub fn texts(&self, name: &str) -> Result<Option<Vec<&str>>, EngineError> {
        self.list(name, "a list of texts", |reader, kind| match kind {
            8 => reader.text(name, MAX_TEXT).ok(),
            _ => None,
        })
    }

    /// A list of single-precision floats, if the field is there.
    pub fn floats(&self, name: &str) -> Result<Option<Vec<f32>>, EngineError> {
        self.list(name, "a list of floats", |reader, kind| match kind {
            6 => reader.array(name).ok().map(f32::from_le_bytes),
            _ => None,
        })
    }

    /// A list of integers, if the field is there.
    pub fn integers(&self, name: &str) -> Result<Option<Vec<i128>>, EngineError> {
        self.list(name, "a list of integers", |reader, kind| match reader.value(kind, name) {
            Ok(Value::Integer(value)) => Some(value),
            _ => None,
        })
    }

    fn list<'a, T>(
        &'a self,
        name: &str,
        what: &str,
        element: impl Fn(&mut Reader<'a>, u32) -> Option<T>,
    ) -> Result<Option<Vec<T>>, EngineError> {
        let bytes: &'a [u8] = self.bytes.as_ref();
        self.field(name, what, |value| match value {
            Value::List(list) => {
                let mut reader = Reader { bytes: bytes.get(..list.bytes.end)?, at: list.bytes.start };
                (0..list.count).map(|_| element(&mut reader, list.kind)).collect()
            }
            _ => None,
        })
    }
}

/// Where a tensor lies in the file.
fn place(
    shape: &[usize],
    kind: Kind,
    offset: u64,
    data: usize,
    alignment: usize,
    end: usize,
) -> Result<Range<usize>, String> {
    let elements = shape.iter().try_fold(1usize, |all, size| all.checked_mul(*size));
    let elements = elements.filter(|all| *all > 0).ok_or("has no sensible number of elements")?;
    let row = shape.last().copied().unwrap_or(1);
    let (block, stored) = kind.block();
    if !row.is_multiple_of(block) {
        return Err(format!("has rows of {row} elements, {kind:?} needs a multiple of {block}"));
    }
    let size = (elements / block).checked_mul(stored).ok_or("is too large")?;
    let begin = usize::try_from(offset).ok().and_then(|offset| data.checked_add(offset));
    let range = begin.and_then(|begin| Some(begin..begin.checked_add(size)?)).filter(|range| range.end <= end);
    if !offset.is_multiple_of(alignment as u64) {
        return Err(format!("begins at {offset}, which is no multiple of {alignment}"));
    }
    range.ok_or_else(|| format!("needs {size} bytes from {offset} on, the file ends before that"))
}

/// What is read of a tensor before its place is known.
type Header = (String, Vec<usize>, Kind, u64);

/// Bytes that are read from front to back.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: u64, what: &str) -> Result<&'a [u8], EngineError> {
        let end = usize::try_from(length).ok().and_then(|length| self.at.checked_add(length));
        match end.and_then(|end| Some((end, self.bytes.get(self.at..end)?))) {
            Some((end, bytes)) => {
                self.at = end;
                Ok(bytes)
            }
            None => Err(broken(format!("it ends inside of {what}, which needs {length} bytes at {}", self.at))),
        }
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], EngineError> {
        let bytes = self.take(N as u64, what)?;
        bytes.try_into().map_err(|_| broken(format!("{what} has another length")))
    }

    fn u32(&mut self, what: &str) -> Result<u32, EngineError> {
        self.array(what).map(u32::from_le_bytes)
    }

    fn u64(&mut self, what: &str) -> Result<u64, EngineError> {
        self.array(what).map(u64::from_le_bytes)
    }

    fn count(&mut self, what: &str, most: u64) -> Result<u64, EngineError> {
        let count = self.u64(what)?;
        if count > most {
            return Err(broken(format!("{what} is {count}, more than {most}")));
        }
        Ok(count)
    }

    fn text(&mut self, what: &str, most: u64) -> Result<&'a str, EngineError> {
        let length = self.u64(what)?;
        if length > most {
            return Err(broken(format!("{what} has {length} bytes, more than {most}")));
        }
        let bytes = self.take(length, what)?;
        std::str::from_utf8(bytes).map_err(|_| broken(format!("{what} is not UTF-8 text")))
    }

    fn value(&mut self, kind: u32, what: &str) -> Result<Value, EngineError> {
        Ok(match kind {
            0 => Value::Integer(u8::from_le_bytes(self.array(what)?).into()),
            1 => Value::Integer(i8::from_le_bytes(self.array(what)?).into()),
            2 => Value::Integer(u16::from_le_bytes(self.array(what)?).into()),
            3 => Value::Integer(i16::from_le_bytes(self.array(what)?).into()),
            4 => Value::Integer(u32::from_le_bytes(self.array(what)?).into()),
            5 => Value::Integer(i32::from_le_bytes(self.array(what)?).into()),
            6 => Value::F32(f32::from_le_bytes(self.array(what)?)),
            7 => match self.array(what)? {
                [0] => Value::Flag(false),
                [1] => Value::Flag(true),
                _ => return Err(broken(format!("{what} is neither true nor false"))),
            },
            8 => Value::Text(self.text(what, MAX_TEXT)?.into()),
            9 => self.list(what)?,
            10 => Value::Integer(u64::from_le_bytes(self.array(what)?).into()),
            11 => Value::Integer(i64::from_le_bytes(self.array(what)?).into()),
            12 => Value::F64(f64::from_le_bytes(self.array(what)?)),
            other => return Err(broken(format!("{what} has the unknown type {other}"))),
        })
    }

    fn list(&mut self, what: &str) -> Result<Value, EngineError> {
        let kind = self.u32(what)?;
        let count = self.count(what, MAX_LIST)?;
        let begin = self.at;
        match kind {
            0..=7 | 10..=12 => {
                let size = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8].get(kind as usize).copied().unwrap_or(1);
                self.take(count * size, what)?;
            }
            8 => {
                for _ in 0..count {
                    self.text(what, MAX_TEXT)?;
                }
            }
            other => return Err(broken(format!("{what} is a list of the unknown type {other}"))),
        }
        Ok(Value::List(List { kind, count: count as usize, bytes: begin..self.at }))
    }

    fn tensor(&mut self) -> Result<Header, EngineError> {
        let name = self.text("a tensor's name", MAX_NAME)?.to_string();
        let dimensions = self.u32(&name)?;
        if !(1..=MAX_DIMENSIONS).contains(&dimensions) {
            return Err(broken(format!("the tensor '{name}' has {dimensions} dimensions")));
        }
        let mut shape = Vec::new();
        for _ in 0..dimensions {
            let size = self.u64(&name)?;
            shape.push(usize::try_from(size).map_err(|_| broken(format!("the tensor '{name}' is too large")))?);
        }
        // The file has the size that changes fastest first.
        shape.reverse();
        let number = self.u32(&name)?;
        let kind = Kind::from_number(number).ok_or_else(|| {
            EngineError::Unsupported(format!(
                "the tensor '{name}' is stored as {}; known are {}",
                Kind::name_of_number(number),
                Kind::NAMES
            ))
        })?;
        Ok((name, shape, kind, self.u64("a tensor's place")?))
    }
}
