//! API keys and their limits.
//!
//! A key is known by its SHA-256 alone: keys are long and random, so a hash that is made to be slow would add nothing,
//! and whoever reads the file cannot use them.

use super::error::ApiError;
use crate::{amount, failure::Failure};
use assay_types::Balance;
use axum::http::{header, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Time over which requests are counted.
const MINUTE: Duration = Duration::from_secs(60);

/// The file of keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    keys: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Entry {
    name: String,
    sha256: String,
    requests_per_minute: Option<u32>,
    requests_at_once: Option<u32>,
    asy_per_day: Option<String>,
}

/// An API key.
#[derive(Debug)]
pub struct ApiKey {
    /// Its name in the file; empty where no keys are asked for.
    pub name: String,
    /// What may be spent with it in a day (UTC), in units of ASY.
    pub per_day: Option<Balance>,
    per_minute: Option<u32>,
    /// One permit for each of its requests that may wait for an answer, and how many there are.
    at_once: Option<(Arc<Semaphore>, u32)>,
    /// Since when requests are counted, and how many came.
    window: Mutex<(Option<Instant>, u32)>,
}

/// How many requests a key may still send, for the headers that say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    limit: u32,
    remaining: u32,
    reset: Duration,
}

impl Rate {
    /// Adds the headers.
    pub fn add_to(self, headers: &mut HeaderMap) {
        let Self { limit, remaining, reset } = self;
        let seconds = HeaderValue::try_from(format!("{}s", reset.as_secs().saturating_add(1)));
        headers.insert(HeaderName::from_static("x-ratelimit-limit-requests"), limit.into());
        headers.insert(HeaderName::from_static("x-ratelimit-remaining-requests"), remaining.into());
        if let Ok(seconds) = seconds {
            headers.insert(HeaderName::from_static("x-ratelimit-reset-requests"), seconds);
        }
    }
}

impl ApiKey {
    fn new(name: String, per_minute: Option<u32>, at_once: Option<u32>, per_day: Option<Balance>) -> Self {
        // More than a semaphore can count is as good as no limit.
        let permits =
            |most: u32| Semaphore::new(usize::try_from(most).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS));
        let at_once = at_once.map(|most| (Arc::new(permits(most)), most));
        Self { name, per_day, per_minute, at_once, window: Mutex::new((None, 0)) }
    }

    /// Lets a request wait for its answer until what is returned is dropped; `None` where no limit is set.
    ///
    /// # Errors
    /// 429 when as many requests of the key as may wait already.
    pub fn wait(&self) -> Result<Option<OwnedSemaphorePermit>, ApiError> {
        let Some((permits, most)) = &self.at_once else { return Ok(None) };
        permits.clone().try_acquire_owned().map(Some).map_err(|_| {
            let message = format!("{most} requests of this key, as many as may, wait for answers");
            ApiError::limited("too_many_at_once", message, Duration::ZERO)
        })
    }

    /// Counts a request.
    ///
    /// # Errors
    /// 429 when too many came within a minute.
    pub fn admit(&self, now: Instant) -> Result<Option<Rate>, ApiError> {
        let Some(limit) = self.per_minute else { return Ok(None) };
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = &mut *window;
        let begin = match *since {
            Some(begin) if now.duration_since(begin) < MINUTE => begin,
            _ => {
                *count = 0;
                now
            }
        };
        *since = Some(begin);
        let reset = MINUTE.saturating_sub(now.duration_since(begin));
        if *count >= limit {
            let message = format!("this key may send {limit} requests in a minute");
            let mut error = ApiError::limited("rate_limit_exceeded", message, reset);
            Rate { limit, remaining: 0, reset }.add_to(error.headers_mut());
            return Err(error);
        }
        *count = count.saturating_add(1);
        Ok(Some(Rate { limit, remaining: limit.saturating_sub(*count), reset }))
    }
}

/// The keys that are known.
#[derive(Debug)]
pub enum Keys {
    /// Whoever can connect is let in.
    Anybody(Arc<ApiKey>),
    /// Those who have a key, by its hash.
    Known(HashMap<[u8; 32], Arc<ApiKey>>),
}

impl Keys {
    /// No keys are asked for.
    pub fn anybody() -> Self {
        Self::Anybody(Arc::new(ApiKey::new(String::new(), None, None, None)))
    }

    /// Reads a file of keys.
    ///
    /// # Errors
    /// One line that says what is wrong with it.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |reason: String| Failure::Config(format!("the API keys in {}: {reason}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        Self::parse(&text).map_err(wrong)
    }

    fn parse(text: &str) -> Result<Self, String> {
        // The library's own line quotes what is there, which may be a key that somebody put there by mistake.
        let place = |error: toml::de::Error| match error.span() {
            Some(span) => format!("{} (at byte {})", error.message(), span.start),
            None => error.message().to_owned(),
        };
        let file: File = toml::from_str(text).map_err(place)?;
        let (mut known, mut names) = (HashMap::new(), HashSet::new());
        for Entry { name, sha256, requests_per_minute, requests_at_once, asy_per_day } in file.keys {
            if name.is_empty() || !names.insert(name.clone()) {
                return Err(format!("each key needs a name of its own; '{name}' is none"));
            }
            let mut hash = [0; 32];
            hex::decode_to_slice(&sha256, &mut hash)
                .map_err(|_| format!("sha256 of '{name}' must be 64 hexadecimal digits, the hash of the key"))?;
            let per_day = asy_per_day.map(|text| amount::parse(&text)).transpose();
            let per_day = per_day.map_err(|error| format!("asy-per-day of '{name}': {error}"))?;
            let key = ApiKey::new(name.clone(), requests_per_minute, requests_at_once, per_day);
            if known.insert(hash, Arc::new(key)).is_some() {
                return Err(format!("'{name}' has the hash of another key"));
            }
        }
        if known.is_empty() {
            return Err("there is none: leave the setting out to let anybody in".into());
        }
        Ok(Self::Known(known))
    }

    /// The key that a request brings.
    ///
    /// # Errors
    /// 401 when it brings none, or one that is not known; 403 when none is asked for and a web page sends it.
    pub fn of(&self, headers: &HeaderMap) -> Result<Arc<ApiKey>, ApiError> {
        let known = match self {
            // Any page that somebody looks at could spend the account's ASY: a browser lets it send, though not read.
            Self::Anybody(_) if headers.contains_key(header::ORIGIN) => {
                return Err(ApiError::forbidden("web pages may ask only where API keys are given out (--api-keys)"));
            }
            Self::Anybody(key) => return Ok(key.clone()),
            Self::Known(known) => known,
        };
        let brought = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = brought.and_then(|value| value.split_once(' '));
        let Some((_, key)) = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) else {
            return Err(ApiError::unauthorised("no API key: send it as Authorization: Bearer KEY"));
        };
        let hash: [u8; 32] = Sha256::digest(key.trim()).into();
        known.get(&hash).cloned().ok_or_else(|| ApiError::unauthorised("this API key is not known here"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(key: &str, more: &str) -> String {
        format!("[[keys]]\nname = 'one'\nsha256 = '{}'\n{more}\n", hex::encode(Sha256::digest(key)))
    }

    fn bearer(text: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_str(text).unwrap())])
    }

    fn status(error: ApiError) -> u16 {
        use axum::response::IntoResponse;
        error.into_response().status().as_u16()
    }

    #[test]
    fn keys_are_known_by_their_hash() {
        let keys = Keys::parse(&file("secret", "asy-per-day = '2.5'")).unwrap();
        let key = keys.of(&bearer("Bearer secret")).unwrap();
        assert_eq!((key.name.as_str(), key.per_day), ("one", Some(2_500_000_000_000)));
        assert!(keys.of(&bearer("bearer secret")).is_ok());
        for wrong in ["Bearer other", "Basic secret", "secret", "Bearer "] {
            assert_eq!(status(keys.of(&bearer(wrong)).unwrap_err()), 401, "{wrong}");
        }
        assert_eq!(status(keys.of(&HeaderMap::new()).unwrap_err()), 401);
        // What is in the file does not open the door.
        let hash = hex::encode(Sha256::digest("secret"));
        assert_eq!(status(keys.of(&bearer(&format!("Bearer {hash}"))).unwrap_err()), 401);
        assert!(Keys::anybody().of(&HeaderMap::new()).is_ok());
    }

    #[test]
    fn a_web_page_needs_a_key() {
        let mut headers = bearer("Bearer secret");
        headers.insert(header::ORIGIN, HeaderValue::from_static("https://example.org"));
        assert_eq!(status(Keys::anybody().of(&headers).unwrap_err()), 403);
        assert!(Keys::parse(&file("secret", "")).unwrap().of(&headers).is_ok());
    }

    #[test]
    fn requests_are_counted_by_the_minute() {
        let key = ApiKey::new("one".into(), Some(2), None, None);
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        assert_eq!(key.admit(begin).unwrap(), Some(Rate { limit: 2, remaining: 1, reset: MINUTE }));
        assert_eq!(key.admit(after(20)).unwrap().unwrap().remaining, 0);
        let mut refused = key.admit(after(40)).unwrap_err();
        assert_eq!(refused.headers_mut()["x-ratelimit-reset-requests"], "21s");
        assert_eq!(status(refused), 429);
        assert_eq!(key.admit(after(60)).unwrap().unwrap().remaining, 1);
        let endless = ApiKey::new("one".into(), None, None, None);
        assert!((0..1_000).all(|_| endless.admit(begin).unwrap().is_none()));
    }

    #[test]
    fn a_key_takes_no_more_places_than_it_may() {
        let keys = Keys::parse(&file("secret", "requests-at-once = 2")).unwrap();
        let key = keys.of(&bearer("Bearer secret")).unwrap();
        let (first, _second) = (key.wait().unwrap(), key.wait().unwrap());
        let refused = key.wait().unwrap_err();
        assert_eq!((refused.code(), status(refused)), ("too_many_at_once", 429));
        drop(first);
        assert!(key.wait().unwrap().is_some());
        let endless = ApiKey::new("one".into(), None, None, None);
        assert!((0..10_000).all(|_| endless.wait().unwrap().is_none()));
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_without_quoting_it() {
        let twice = file("secret", "") + &file("other", "");
        let same = file("secret", "") + &file("secret", "").replace("one", "two");
        for (text, words) in [
            ("", "there is none"),
            ("keys = 1", "invalid type"),
            (&file("secret", "asy-per-day = 'much'"), "asy-per-day of 'one'"),
            (&file("secret", "requests-per-minute = -1"), "invalid value"),
            (&file("secret", "request-per-minute = 1"), "unknown field"),
            (&twice, "a name of its own"),
            (&same, "hash of another"),
            ("[[keys]]\nname = 'one'\nsha256 = 'sk-the-key-itself'", "64 hexadecimal digits"),
        ] {
            let error = Keys::parse(text).unwrap_err();
            assert!(error.contains(words) && !error.contains("sk-the-key"), "{text}: {error}");
        }
    }
}
