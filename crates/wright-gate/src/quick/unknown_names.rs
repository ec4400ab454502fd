//! Refuses names that nothing binds: not the file, its imports, the language, nor what else is known to exist.

use wright_text::names::unknown_names;

use super::Found;
use super::trial::Trial;

/// The code of an edit that uses a name nothing binds.
pub(super) const CODE: &str = "unknown-name";

/// Reports each unknown name once.
pub(super) fn check(trial: &Trial<'_>) -> Found {
    let tree = trial.tree()?;
    let inserted: Vec<_> = trial.pieces.iter().map(|it| it.inserted.clone()).collect();
    let unknown = unknown_names(tree, &inserted, trial.around.names, || trial.judge.names())?;
    let finding = |name: wright_text::names::UnknownName| {
        let where_else = if name.is_local_elsewhere { ", which only another function knows" } else { "" };
        let message = format!("uses the unknown name `{}`{where_else}", name.name);
        trial.finding(CODE, name.range.start, message)
    };
    Some(unknown.into_iter().map(finding).collect())
}
