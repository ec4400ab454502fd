//! Structures that issuers publish and that a value of chance does not have.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::rules::Structure;
use crate::Confidence;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Returns how sure a structure makes us and what to say about it; `None` when the value cannot be a secret of its kind.
///
/// A token with a wrong checksum was never issued, but is often a real one that was retyped, so it is still reported.
pub(super) fn check(structure: Option<Structure>, value: &str) -> Option<(Confidence, &'static str)> {
    match structure {
        None => Some((Confidence::High, "")),
        Some(Structure::Base62Crc32) if has_base62_crc32(value) => Some((Confidence::High, ", its checksum is right")),
        Some(Structure::Base62Crc32) => Some((Confidence::Medium, ", its checksum is wrong")),
        Some(Structure::Jwt) => is_jwt(value).then_some((Confidence::High, ", its header names an algorithm")),
        Some(Structure::BasicCredentials) => is_pair(value).then_some((Confidence::High, ", a name and a password")),
    }
}

/// Returns what a text in base 64 stands for, whichever alphabet it uses.
pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

fn has_base62_crc32(value: &str) -> bool {
    let Some((_, body)) = value.rsplit_once('_') else { return false };
    let Some((random, sum)) = body.len().checked_sub(6).and_then(|at| body.split_at_checked(at)) else { return false };
    base62(crc32fast::hash(random.as_bytes())) == sum
}

/// Returns a number as six digits of base 62: digits, then capitals, then small letters.
fn base62(mut number: u32) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = [b'0'; 6];
    for place in text.iter_mut().rev() {
        *place = DIGITS[(number % 62) as usize];
        number /= 62;
    }
    text.iter().map(|&it| char::from(it)).collect()
}

/// Returns whether the first part is a header and the second no well-known sample.
fn is_jwt(value: &str) -> bool {
    let mut parts = value.split('.').map(|part| decoded(part).unwrap_or_default());
    let header = parts.next().unwrap_or_default();
    let claims = parts.next().unwrap_or_default();
    let header = serde_json::from_slice::<serde_json::Value>(&header);
    const SAMPLE: &[u8] = br#""sub":"1234567890""#;
    let is_sample = claims.windows(SAMPLE.len()).any(|it| it == SAMPLE);
    header.is_ok_and(|it| it.get("alg").is_some()) && !is_sample
}

fn is_pair(value: &str) -> bool {
    let Some(bytes) = decoded(value) else { return false };
    let colon = bytes.iter().position(|&it| it == b':');
    colon.is_some_and(|at| at > 0 && at + 1 < bytes.len()) && !bytes.iter().any(u8::is_ascii_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_that_of_the_letters_before_it() {
        let random = "q7Rt2Lx9Vb4Nz8Kw3Jd6Hs5Gf1Mc0P";
        let token = format!("ghp_{random}{}", base62(crc32fast::hash(random.as_bytes())));
        assert!(has_base62_crc32(&token));
        assert!(!has_base62_crc32(&token.replace("q7R", "q7S")));
        assert!(!has_base62_crc32("ghp_short"));
    }

    #[test]
    fn a_token_with_a_header_that_is_no_json_is_none() {
        let part = |json: &str| URL_SAFE.encode(json);
        let token = |header: &str, claims: &str| format!("{}.{}.c2lnbmF0dXJl", part(header), part(claims));
        assert!(is_jwt(&token(r#"{"alg":"HS256"}"#, r#"{"sub":"u1"}"#)));
        assert!(!is_jwt(&token("no json", r#"{"sub":"u1"}"#)));
        assert!(!is_jwt(&token(r#"{"alg":"HS256"}"#, r#"{"sub":"1234567890","name":"John Doe"}"#)));
    }
}
