//! A time limit as people write it: `90`, `90s`, `10m`, `1h`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

/// A time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) struct TimeLimit(pub(crate) Duration);

/// A limit as it stands in a configuration file.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Seconds(u64),
    Text(String),
}

impl TryFrom<Written> for TimeLimit {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Seconds(seconds) => seconds.to_string().parse(),
            Written::Text(text) => text.parse(),
        }
    }
}

impl FromStr for TimeLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits_end = text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits_end);
        let factor = match unit.trim() {
            "" | "s" => 1,
            "m" | "min" => 60,
            "h" => 3600,
            _ => return Err(format!("{text:?} is not a time such as 90, 90s, 10m or 1h")),
        };
        let seconds = number.parse::<u64>().ok().and_then(|it| it.checked_mul(factor));
        match seconds {
            Some(seconds @ 1..=604_800) => Ok(Self(Duration::from_secs(seconds))),
            Some(_) => Err(format!("{text:?} is not between one second and a week")),
            None => Err(format!("{text:?} is not a time such as 90, 90s, 10m or 1h")),
        }
    }
}

impl fmt::Display for TimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            seconds if seconds % 3600 == 0 => write!(f, "{}h", seconds / 3600),
            seconds if seconds % 60 == 0 => write!(f, "{}m", seconds / 60),
            seconds => write!(f, "{seconds}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let table =
            [("90", Some(90)), ("90s", Some(90)), ("10m", Some(600)), ("1h", Some(3600)), ("0", None), ("ten", None)];
        for (text, seconds) in table {
            assert_eq!(text.parse::<TimeLimit>().ok(), seconds.map(|it| TimeLimit(Duration::from_secs(it))), "{text}");
        }
        assert!("-5m".parse::<TimeLimit>().is_err() && "1d".parse::<TimeLimit>().is_err());
        assert!("99999999999999999999h".parse::<TimeLimit>().is_err());
    }
}
