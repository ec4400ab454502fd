//! A keyword was misspelled in a line that was just written.

use wright_text::SyntaxTree;
use wright_text::generalize::{TokenKind, typing_distance};
use wright_text::shapes::{is_keyword, keywords};

use super::scene::Scene;
use super::{Reason, Site};

/// The shortest keyword that is looked for: of shorter ones too many names are a slip away.
const MIN_LENGTH: usize = 4;

/// Longer words are no keywords.
const MAX_LENGTH: usize = 16;

/// How often the text is parsed with another word in it.
const MAX_TRIALS: usize = 8;

/// Predicts the keyword that was meant, where the text parses better with it.
pub(crate) fn misspelled(scene: &Scene<'_>) -> Vec<Site> {
    let n_errors = scene.tree.error_count();
    if n_errors == 0 {
        return Vec::new();
    }
    let places = scene.changes.iter().filter_map(|it| it.place.clone());
    let mut sites = Vec::new();
    let mut n_trials = 0;
    for place in places {
        for token in scene.tokens_of(scene.slice(&place)) {
            let is_candidate = token.kind == TokenKind::Word && !is_keyword(scene.language, token.text);
            if !is_candidate || !(MIN_LENGTH..=MAX_LENGTH).contains(&token.text.len()) {
                continue;
            }
            let range = place.start + token.range.start..place.start + token.range.end;
            let is_typed = range.end == scene.offset;
            let mends = |word: &str| {
                let mut text = scene.text().to_owned();
                text.replace_range(range.clone(), word);
                SyntaxTree::parse(scene.language, text).error_count() < n_errors
            };
            let near = keywords(scene.language).iter().filter(|it| is_slip(token.text, it));
            let mut near: Vec<&&str> = near.collect();
            near.sort_by_key(|it| typing_distance(token.text, it));
            near.truncate(MAX_TRIALS - n_trials);
            n_trials += near.len();
            if let Some(word) = near.into_iter().find(|it| !is_typed && mends(it)) {
                sites.push(scene.site(range, *word, Reason::Misspelled, 0.9));
            }
        }
    }
    sites
}

/// Returns whether a word is a keyword but for one slip, or for two where the keyword is at its end.
fn is_slip(word: &str, keyword: &str) -> bool {
    let is_glued = word.len() > keyword.len() && word.ends_with(keyword);
    keyword.len() >= MIN_LENGTH && typing_distance(word, keyword) <= 1 + usize::from(is_glued)
}
