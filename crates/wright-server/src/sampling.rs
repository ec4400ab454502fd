//! What clients say about sampling, and what becomes of it.

use serde::Deserialize;
use wright_provider::Sampling;

use crate::error::ApiError;

/// How many answers to one request may be asked for.
const MAX_ANSWERS: i64 = 8;

/// How many stop texts a request may name.
const MAX_STOPS: usize = 32;

/// How long a stop text may be, in bytes.
const MAX_STOP_BYTES: usize = 1_024;

/// The longest answer that can be asked for, in tokens. What a context leaves is usually less.
const MAX_TOKENS: i64 = 32_768;

/// The temperature of further answers when the client names none: the likeliest text each time would be the same.
const TEMPERATURE_OF_SEVERAL: f32 = 0.6;

/// The fields about sampling that all routes share.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Wishes {
    temperature: Option<f32>,
    top_p: Option<f32>,
    seed: Option<i64>,
    stop: Option<Texts>,
}

/// One text or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Texts {
    /// One text.
    One(String),
    /// Several texts.
    Many(Vec<String>),
}

impl Texts {
    /// Returns the texts.
    pub(crate) fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

impl Wishes {
    /// Returns the sampling that is asked for. Without a temperature the likeliest text is written.
    pub(crate) fn sampling(self, n_answers: u32, max_tokens: u32) -> Result<Sampling, ApiError> {
        let default = if n_answers > 1 { TEMPERATURE_OF_SEVERAL } else { 0.0 };
        let temperature = self.temperature.unwrap_or(default);
        if !(0.0..=2.0).contains(&temperature) {
            return Err(ApiError::invalid("temperature", "temperature is not between 0 and 2"));
        }
        let top_p = self.top_p.unwrap_or(1.0);
        if !(0.0..=1.0).contains(&top_p) {
            return Err(ApiError::invalid("top_p", "top_p is not between 0 and 1"));
        }
        let is_first_greedy = self.temperature.is_none();
        Ok(Sampling {
            n_candidates: n_answers,
            temperature,
            first_greedy: is_first_greedy,
            top_p,
            // -1 means that any will do.
            seed: self.seed.unwrap_or_default().cast_unsigned(),
            max_tokens,
            stop: stops(self.stop)?,
        })
    }
}

fn stops(stop: Option<Texts>) -> Result<Vec<String>, ApiError> {
    let mut stops = stop.map(Texts::into_vec).unwrap_or_default();
    stops.retain(|it| !it.is_empty());
    if stops.len() > MAX_STOPS || stops.iter().any(|it| it.len() > MAX_STOP_BYTES) {
        let message = format!("stop has more than {MAX_STOPS} texts, or one of more than {MAX_STOP_BYTES} bytes");
        return Err(ApiError::invalid("stop", message));
    }
    Ok(stops)
}

/// Returns how many answers are wanted.
pub(crate) fn n_answers(param: &'static str, n: Option<i64>) -> Result<u32, ApiError> {
    match n {
        None => Ok(1),
        Some(n @ 1..=MAX_ANSWERS) => Ok(n as u32),
        Some(_) => Err(ApiError::invalid(param, format!("{param} is not between 1 and {MAX_ANSWERS}"))),
    }
}

/// Returns the longest answer that is wanted, in tokens; a negative number leaves it to the server, as none does.
pub(crate) fn max_tokens(asked: Option<i64>, default: u32) -> u32 {
    match asked {
        Some(n) if n >= 0 => n.min(MAX_TOKENS) as u32,
        _ => default,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes(text: &str) -> Wishes {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn nothing_said_means_the_likeliest_text() {
        assert_eq!(wishes("{}").sampling(1, 9).unwrap(), Sampling::greedy(9));
    }

    #[test]
    fn a_stop_may_be_one_text_or_several_and_empty_ones_do_not_count() {
        assert_eq!(wishes(r#"{"stop": "a"}"#).sampling(1, 9).unwrap().stop, ["a"]);
        assert_eq!(wishes(r#"{"stop": ["a", "", "b"]}"#).sampling(1, 9).unwrap().stop, ["a", "b"]);
        assert!(wishes(r#"{"stop": null}"#).sampling(1, 9).unwrap().stop.is_empty());
    }

    #[test]
    fn numbers_out_of_range_name_their_field() {
        for (text, param) in [(r#"{"temperature": 3}"#, "temperature"), (r#"{"top_p": -0.1}"#, "top_p")] {
            let error = wishes(text).sampling(1, 9).unwrap_err().to_json();
            assert_eq!(error["error"]["param"], param);
        }
        assert!(n_answers("n", Some(0)).is_err() && n_answers("n", Some(9)).is_err());
        assert_eq!((max_tokens(Some(-1), 7), max_tokens(None, 7), max_tokens(Some(i64::MAX), 7)), (7, 7, 32_768));
    }
}
