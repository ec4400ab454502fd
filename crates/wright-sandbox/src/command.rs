//! What to run: words, a folder inside the tree, and the few variables the command may see.

use std::path::{Component, PathBuf};

use crate::SandboxError;

/// A command for the sandbox. Nothing is inherited: it sees only the variables named here and the sandbox's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments. A program without a slash is looked up in `PATH`.
    pub argv: Vec<String>,
    /// Where to run, relative to the tree. Empty means the tree itself.
    pub dir: PathBuf,
    /// Variables to add. They win over the sandbox's own `PATH`, `HOME`, `TMPDIR`, `LANG`, `LC_ALL` and `TERM`.
    pub env: Vec<(String, String)>,
}

impl Command {
    /// Returns a command that runs in the tree itself, with no variables of its own.
    pub fn new<W: Into<String>>(argv: impl IntoIterator<Item = W>) -> Self {
        Self { argv: argv.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Says what is wrong with the command before a process is started for it.
    pub(crate) fn check(&self) -> Result<(), SandboxError> {
        let invalid = |reason: String| Err(SandboxError::InvalidCommand { reason });
        if self.argv.first().is_none_or(String::is_empty) {
            return invalid("no program is named".to_owned());
        }
        if let Some(word) = self.argv.iter().find(|word| word.contains('\0')) {
            return invalid(format!("the argument {word:?} contains a zero byte"));
        }
        let stays_inside = self.dir.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !stays_inside {
            return invalid(format!("the folder {:?} is not inside the tree", self.dir.display()));
        }
        match self.env.iter().find(|(name, value)| !is_variable(name, value)) {
            Some((name, _)) => invalid(format!("the variable {name:?} cannot be set")),
            None => Ok(()),
        }
    }
}

fn is_variable(name: &str, value: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(command: &Command) -> String {
        command.check().map_or_else(|error| error.to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn a_command_must_name_a_program() {
        assert_eq!(refusal(&Command::default()), "invalid command: no program is named");
        assert_eq!(refusal(&Command::new(["true"])), "fine");
    }

    #[test]
    fn the_folder_of_a_command_stays_inside_the_tree() {
        for (dir, fine) in [("", true), ("a/b", true), ("./a", true), ("..", false), ("a/../b", false), ("/etc", false)]
        {
            let command = Command { dir: PathBuf::from(dir), ..Command::new(["true"]) };
            assert_eq!(command.check().is_ok(), fine, "{dir}");
        }
    }

    #[test]
    fn a_variable_that_the_kernel_would_misread_is_refused() {
        for (name, value, fine) in [("A", "b=c", true), ("", "b", false), ("A=B", "c", false), ("A", "b\0c", false)] {
            let command = Command { env: vec![(name.to_owned(), value.to_owned())], ..Command::new(["true"]) };
            assert_eq!(command.check().is_ok(), fine, "{name:?}={value:?}");
        }
    }
}
