//! How unlike words a value is.
//!
//! Entropy counts letters and so takes `configuration_directory` for random. Rarity counts how unusual each letter is after
//! the one before it, in prose and in names, and so does not.

/// Returns the Shannon entropy in bits per character.
pub(super) fn entropy(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in value.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let length = value.len() as f64;
    counts.iter().filter(|it| **it > 0).map(|it| f64::from(*it) / length).map(|p| -p * p.log2()).sum()
}

/// Returns whether a value has letters and digits and reads like no words.
pub(super) fn is_mixed(value: &str) -> bool {
    let has = |is: fn(&char) -> bool| value.chars().any(|it| is(&it));
    has(char::is_ascii_alphabetic) && has(char::is_ascii_digit) && rarity(value) >= WORDS_END
}

/// Returns whether a value is long and random enough that nobody chose it.
pub(super) fn is_random(value: &str) -> bool {
    let n_digits = value.bytes().filter(u8::is_ascii_digit).count();
    let has_letter = value.bytes().any(|it| it.is_ascii_alphabetic());
    let least: f64 = if value.len() < 20 { 3.0 } else { 3.3 };
    n_digits > 0
        && has_letter
        && entropy(value) >= least.min((value.len() as f64).log2() - 0.7)
        && rarity(value) >= WORDS_END
}

/// Words, and names made of words, stay below this rarity; drawn letters stay above.
pub(super) const WORDS_END: f64 = 4.1;

/// Returns how unusual a value is, in bits per character.
pub(super) fn rarity(value: &str) -> f64 {
    let steps: Vec<u32> = value.as_bytes().windows(2).filter_map(|pair| step(pair[0], pair[1])).collect();
    f64::from(steps.iter().sum::<u32>()) / steps.len().max(1) as f64
}

/// Returns how many bits it takes to say `after`, once `before` is known; nothing about separators, after which a
/// word starts anew.
fn step(before: u8, after: u8) -> Option<u32> {
    let is_letter = |it: u8| it.is_ascii_alphabetic();
    let bits = match (before, after) {
        _ if is_letter(before) && is_letter(after) => {
            let pair = u32::from(PAIRS[letter(before)].as_bytes()[letter(after)] - b'0');
            // A capital after a small letter starts a word; a small letter after capitals hardly ever does.
            if before.is_ascii_lowercase() && after.is_ascii_uppercase() { pair.max(5) + 1 } else { pair }
        }
        _ if before.is_ascii_digit() && after.is_ascii_digit() => 3,
        _ if is_letter(before) && after.is_ascii_digit() => 6,
        _ if before.is_ascii_digit() && is_letter(after) => 7,
        _ => return None,
    };
    Some(bits)
}

fn letter(byte: u8) -> usize {
    usize::from(byte.to_ascii_lowercase() - b'a')
}

/// Row: a letter; column: the next one; digit: how many bits the next one takes, 9 for nine and more. Counted over prose and
/// the words in names of programs.
const PAIRS: [&str; 26] = [
    "95449759596343959343667769",
    "36563877358367469446399957",
    "39673893594468279463589979",
    "46752679288576479546578879",
    "47436569798453757334867579",
    "48664378299477379455499969",
    "47672754399464579446479988",
    "29762797398667389564599969",
    "56455559998442459543959795",
    "39672798595788359647298969",
    "48652657398475568635684979",
    "38752799398387369855579949",
    "25862899398657339856599979",
    "48433538496686479843669979",
    "76448669696442549345465899",
    "38763786497387349354587959",
    "77868898789686776557086899",
    "37552759396656369544677959",
    "58472774396677548742487969",
    "38672794299667469345587958",
    "54564669599343649333999999",
    "27891778399967579777978899",
    "37653694399684388346886699",
    "46363576399569539652878567",
    "66564577499544539533765967",
    "48681797399667489767798977",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_common_and_drawn_letters_are_rare() {
        for words in ["configuration_directory", "ThisIsMyPassword", "get_access_token", "max-idle-connections2"] {
            assert!(!is_random(words), "{words}: {}", rarity(words));
        }
        for drawn in ["q7Rt2Lx9Vb4Nz8Kw3Jd6", "6fb1cff7690db9ac066cadbbde8e3c07", "xbzsovaw9ix4qfhi14an"] {
            assert!(is_random(drawn), "{drawn}: {}", rarity(drawn));
        }
    }
}
