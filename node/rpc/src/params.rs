//! What the methods are asked, read from text so that every mistake has a message of its own.

use crate::error::Error;
use assay_runtime_api::{Change, PayloadKind, TaskChange, TaskFilter, MAX_PAGE};
use assay_traits::TaskState;
use assay_types::{AccountId, Balance, Cid, Hash, TaskId};
use serde::Deserialize;

/// Entries of a page whose size nobody names.
pub const DEFAULT_PAGE: u32 = 20;

/// Signs of a value that an error shows: clients may send megabytes.
const MOST_SHOWN: usize = 100;

/// A value as an error shows it.
fn shown(text: &str) -> String {
    match text.char_indices().nth(MOST_SHOWN) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}... of {} bytes", &text[..end], text.len()),
    }
}

/// A hash: 0x and 64 hexadecimal digits.
///
/// # Errors
/// [`Error::Invalid`].
pub fn hash(parameter: &'static str, text: &str) -> Result<Hash, Error> {
    let mut bytes = [0u8; 32];
    let digits = text.strip_prefix("0x").filter(|digits| hex::decode_to_slice(digits, &mut bytes).is_ok());
    match digits {
        Some(_) => Ok(bytes.into()),
        None => {
            let problem = format!("0x and 64 hexadecimal digits are expected, not {}", shown(text));
            Err(Error::invalid(parameter, problem))
        }
    }
}

/// Bytes of the longest text that may name an account, and some more. Reading an address takes time in the square of its
/// length, and a request may be megabytes long.
const LONGEST_ACCOUNT: usize = 128;

/// An account: its address, or 0x and 64 hexadecimal digits.
///
/// # Errors
/// [`Error::Invalid`].
pub fn account(parameter: &'static str, text: &str) -> Result<AccountId, Error> {
    let read = if text.len() <= LONGEST_ACCOUNT { text.parse() } else { Err("too long") };
    read.map_err(|reason| {
        Error::invalid(
            parameter,
            format!("an address, or 0x and 64 hexadecimal digits, is expected, not {} ({reason})", shown(text)),
        )
    })
}

/// A content id in its text form.
///
/// # Errors
/// [`Error::Invalid`].
pub fn cid(parameter: &'static str, text: &str) -> Result<Cid, Error> {
    Cid::parse(text).ok_or_else(|| {
        let problem = format!("a content id (version 1, raw, sha2-256, base32) is expected, not {}", shown(text));
        Error::invalid(parameter, problem)
    })
}

/// An amount in units of ASY: digits, or a whole number.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "a whole number of units of ASY, or a text of its digits")]
pub enum Amount {
    /// As JSON's numbers hold it exactly.
    Number(u64),
    /// Any.
    Text(String),
}

impl Amount {
    /// # Errors
    /// [`Error::Invalid`].
    pub fn units(&self, parameter: &'static str) -> Result<Balance, Error> {
        match self {
            Self::Number(units) => Ok((*units).into()),
            // `parse` alone would take a sign.
            Self::Text(text) => text.parse().ok().filter(|_| !text.starts_with('+')).ok_or_else(|| {
                Error::invalid(parameter, format!("a whole number of units of ASY is expected, not {}", shown(text)))
            }),
        }
    }
}

fn optional<T>(
    text: &Option<String>,
    read: impl FnOnce(&'static str, &str) -> Result<T, Error>,
    parameter: &'static str,
) -> Result<Option<T>, Error> {
    text.as_deref().map(|text| read(parameter, text)).transpose()
}

/// Which part of a list is wanted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Paging {
    /// Key after which it begins: `next` of the page before.
    after: Option<String>,
    /// Entries at most.
    limit: Option<u64>,
}

impl Paging {
    /// The cursor, read by `read`, and the size.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn read<Key>(
        &self,
        read: impl FnOnce(&'static str, &str) -> Result<Key, Error>,
    ) -> Result<(Option<Key>, u32), Error> {
        let limit = match self.limit {
            None => DEFAULT_PAGE,
            Some(0) => return Err(Error::invalid("page.limit", "a page has one entry at least, not 0")),
            Some(limit) => u32::try_from(limit).ok().filter(|limit| *limit <= MAX_PAGE).ok_or_else(|| {
                Error::invalid("page.limit", format!("a page has {MAX_PAGE} entries at most, not {limit}"))
            })?,
        };
        Ok((optional(&self.after, read, "page.after")?, limit))
    }
}

/// A state of a task, by its name.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StateName {
    /// Waiting for a solution.
    Open,
    /// Solved.
    Solved,
    /// Contested.
    Disputed,
    /// Its solver was paid.
    Settled,
    /// Its solution fell.
    Refunded,
    /// Nobody solved it in time.
    Expired,
    /// Withdrawn by its owner.
    Retracted,
}

impl From<StateName> for TaskState {
    fn from(name: StateName) -> Self {
        match name {
            StateName::Open => Self::Open,
            StateName::Solved => Self::Solved,
            StateName::Disputed => Self::Disputed,
            StateName::Settled => Self::Settled,
            StateName::Refunded => Self::Refunded,
            StateName::Expired => Self::Expired,
            StateName::Retracted => Self::Retracted,
        }
    }
}

/// Which tasks are wanted: those that have everything that is named.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Wanted {
    state: Option<StateName>,
    owner: Option<String>,
    solver: Option<String>,
    model: Option<String>,
}

impl Wanted {
    /// # Errors
    /// [`Error::Invalid`].
    pub fn read(&self) -> Result<TaskFilter<AccountId>, Error> {
        Ok(TaskFilter {
            state: self.state.map(Into::into),
            owner: optional(&self.owner, account, "filter.owner")?,
            solver: optional(&self.solver, account, "filter.solver")?,
            model: optional(&self.model, hash, "filter.model")?,
        })
    }
}

/// Which payload is wanted: one of a task, or any with this content id.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PayloadQuery {
    task: Option<String>,
    payload: Option<PayloadName>,
    cid: Option<String>,
    after: Option<String>,
}

/// A payload of a task, by its name.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum PayloadName {
    Input,
    Output,
}

/// What [`PayloadQuery`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadOf {
    /// A payload of a task.
    Task(TaskId, PayloadKind),
    /// One with this content id, of a task after this one.
    Cid(Cid, Option<TaskId>),
}

impl PayloadQuery {
    /// # Errors
    /// [`Error::Invalid`].
    pub fn read(&self) -> Result<PayloadOf, Error> {
        match (&self.task, self.payload, &self.cid, &self.after) {
            (Some(task), Some(payload), None, None) => {
                let payload = match payload {
                    PayloadName::Input => PayloadKind::Input,
                    PayloadName::Output => PayloadKind::Output,
                };
                Ok(PayloadOf::Task(hash("of.task", task)?, payload))
            }
            (None, None, Some(text), after) => {
                Ok(PayloadOf::Cid(cid("of.cid", text)?, optional(after, hash, "of.after")?))
            }
            _ => Err(Error::invalid("of", "either task and payload are expected, or cid and, to go on, after")),
        }
    }
}

/// A kind of change, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub enum ChangeName {
    Submitted,
    FeeRaised,
    Committed,
    Solved,
    Replaced,
    Disputed,
    Settled,
    Refunded,
    Expired,
    Retracted,
    Forgotten,
}

impl ChangeName {
    fn of(change: &Change<AccountId>) -> Self {
        match change {
            Change::Submitted { .. } => Self::Submitted,
            Change::FeeRaised { .. } => Self::FeeRaised,
            Change::Committed { .. } => Self::Committed,
            Change::Solved { .. } => Self::Solved,
            Change::Replaced { .. } => Self::Replaced,
            Change::Disputed { .. } => Self::Disputed,
            Change::Settled { .. } => Self::Settled,
            Change::Refunded { .. } => Self::Refunded,
            Change::Expired { .. } => Self::Expired,
            Change::Retracted { .. } => Self::Retracted,
            Change::Forgotten => Self::Forgotten,
        }
    }
}

/// Which changes a subscriber wants: those that fit everything that is named.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct WantedChanges {
    task: Option<String>,
    owner: Option<String>,
    solver: Option<String>,
    model: Option<String>,
    changes: Option<Vec<ChangeName>>,
}

/// [`WantedChanges`], read.
#[derive(Clone, Debug, Default)]
pub struct ChangeFilter {
    task: Option<TaskId>,
    owner: Option<AccountId>,
    solver: Option<AccountId>,
    model: Option<Hash>,
    changes: Option<Vec<ChangeName>>,
}

impl WantedChanges {
    /// # Errors
    /// [`Error::Invalid`].
    pub fn read(self) -> Result<ChangeFilter, Error> {
        if self.changes.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::invalid(
                "filter.changes",
                "an empty list would never fit; leave it out for all changes",
            ));
        }
        Ok(ChangeFilter {
            task: optional(&self.task, hash, "filter.task")?,
            owner: optional(&self.owner, account, "filter.owner")?,
            solver: optional(&self.solver, account, "filter.solver")?,
            model: optional(&self.model, hash, "filter.model")?,
            changes: self.changes,
        })
    }
}

impl ChangeFilter {
    /// Whether a change fits.
    pub fn fits(&self, change: &TaskChange<AccountId>) -> bool {
        self.task.is_none_or(|task| task == change.task)
            && self.owner.as_ref().is_none_or(|owner| *owner == change.owner)
            && self.solver.as_ref().is_none_or(|solver| Some(solver) == change.solver.as_ref())
            && self.model.is_none_or(|model| model == change.model)
            && self.changes.as_ref().is_none_or(|names| names.contains(&ChangeName::of(&change.change)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json, Value};

    const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

    fn message<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
        result.expect_err("this cannot be read").to_string()
    }

    #[test]
    fn a_hash_has_a_prefix_and_64_digits() {
        let text = format!("0x{}", "ab".repeat(32));
        assert_eq!(hash("id", &text), Ok(Hash::repeat_byte(0xab)));
        for wrong in ["", "0x", "0x12", &text[2..], &format!("{text}00"), &text.replace('b', "g")] {
            let message = message(hash("id", wrong));
            assert!(message.starts_with("id: 0x and 64") && message.contains(&format!("{wrong:?}")), "{message}");
        }
    }

    #[test]
    fn of_a_long_value_the_beginning_is_shown() {
        for sign in ["x", "\u{1}", "\u{1f600}"] {
            let text = sign.repeat(1_000_000);
            for message in [
                message(hash("id", &text)),
                message(account("owner", &text)),
                message(cid("of", &text)),
                message(Amount::Text(text.clone()).units("fee")),
            ] {
                assert!(message.contains(&format!("... of {} bytes", text.len())), "{}", message.len());
                assert!(message.len() < 1_000, "{}", message.len());
            }
        }
    }

    #[test]
    fn an_account_is_an_address_or_digits() {
        let alice = account("owner", ALICE).expect("an address");
        assert_eq!(account("owner", &format!("0x{}", hex::encode(&alice))), Ok(alice));
        assert!(message(account("owner", &ALICE[1..])).contains("an address"));
    }

    #[test]
    fn an_amount_is_a_whole_number_of_any_size() {
        let read = |value: Value| from_value::<Amount>(value).map(|amount| amount.units("fee"));
        assert_eq!(read(json!(5)).expect("a number"), Ok(5));
        assert_eq!(read(json!(u128::MAX.to_string())).expect("a text"), Ok(u128::MAX));
        for wrong in ["", "1.5", "-1", "+1", "0x10", "1e3"] {
            assert!(message(read(json!(wrong)).expect("a text")).contains("whole number"), "{wrong}");
        }
        assert!(read(json!(-1)).is_err() && read(json!(1.5)).is_err());
    }

    #[test]
    fn pages_are_bounded() {
        let read = |value: Value| from_value::<Paging>(value).expect("its shape is right").read(hash);
        assert_eq!(read(json!({})), Ok((None, DEFAULT_PAGE)));
        let after = Hash::repeat_byte(7);
        assert_eq!(read(json!({ "after": after, "limit": 100 })), Ok((Some(after), 100)));
        assert!(message(read(json!({ "limit": 0 }))).contains("one entry at least"));
        assert!(message(read(json!({ "limit": 101 }))).contains("100 entries at most, not 101"));
        assert!(message(read(json!({ "limit": u64::MAX }))).contains("at most"));
        assert!(message(read(json!({ "after": "7" }))).starts_with("page.after"));
        assert!(from_value::<Paging>(json!({ "size": 5 })).is_err(), "a name that nobody knows is no name of ours");
    }

    #[test]
    fn a_payload_is_asked_for_in_one_of_two_ways() {
        let read = |value: Value| from_value::<PayloadQuery>(value).expect("its shape is right").read();
        let (task, cid) = (TaskId::repeat_byte(1), Cid::of(b"x"));
        let of = read(json!({ "task": task, "payload": "output" }));
        assert_eq!(of, Ok(PayloadOf::Task(task, PayloadKind::Output)));
        assert_eq!(read(json!({ "cid": cid.to_string() })), Ok(PayloadOf::Cid(cid, None)));
        assert_eq!(read(json!({ "cid": cid.to_string(), "after": task })), Ok(PayloadOf::Cid(cid, Some(task))));
        for wrong in [
            json!({}),
            json!({ "task": task }),
            json!({ "payload": "input" }),
            json!({ "task": task, "payload": "input", "cid": cid.to_string() }),
            json!({ "after": task }),
        ] {
            assert!(message(read(wrong.clone())).contains("either"), "{wrong}");
        }
        assert!(message(read(json!({ "cid": "Qm" }))).contains("content id"));
    }

    #[test]
    fn what_is_wanted_is_what_fits_everything_that_is_named() {
        let change = TaskChange {
            task: TaskId::repeat_byte(1),
            owner: AccountId::new([2; 32]),
            model: Hash::repeat_byte(3),
            solver: Some(AccountId::new([4; 32])),
            extrinsic: None,
            event: 0,
            change: Change::Expired { refund: 1 },
        };
        let fits = |value: Value| {
            from_value::<WantedChanges>(value)
                .expect("its shape is right")
                .read()
                .expect("its values are")
                .fits(&change)
        };
        let hex = |byte: u8| json!(format!("0x{}", hex::encode([byte; 32])));
        assert!(fits(json!({})));
        assert!(fits(json!({
            "task": hex(1), "owner": hex(2), "model": hex(3), "solver": hex(4), "changes": ["settled", "expired"],
        })));
        for wrong in [
            json!({ "task": hex(9) }),
            json!({ "owner": hex(9) }),
            json!({ "model": hex(9) }),
            json!({ "solver": hex(9) }),
            json!({ "changes": ["settled"] }),
        ] {
            assert!(!fits(wrong.clone()), "{wrong}");
        }
        let empty = from_value::<WantedChanges>(json!({ "changes": [] })).expect("its shape is right");
        assert!(message(empty.read()).contains("never fit"));
        assert!(from_value::<WantedChanges>(json!({ "changes": ["eaten"] })).is_err());
    }

    #[test]
    fn tasks_are_wanted_by_the_names_of_their_states() {
        let read = |value: Value| from_value::<Wanted>(value).map(|wanted| wanted.read());
        for (name, state) in [
            ("open", TaskState::Open),
            ("solved", TaskState::Solved),
            ("disputed", TaskState::Disputed),
            ("settled", TaskState::Settled),
            ("refunded", TaskState::Refunded),
            ("expired", TaskState::Expired),
            ("retracted", TaskState::Retracted),
        ] {
            let filter = read(json!({ "state": name })).expect("a state").expect("nothing else is named");
            assert_eq!(filter, TaskFilter { state: Some(state), ..Default::default() });
        }
        assert!(read(json!({ "state": "done" })).is_err());
        assert!(message(read(json!({ "owner": "Alice" })).expect("a text")).starts_with("filter.owner"));
    }
}
