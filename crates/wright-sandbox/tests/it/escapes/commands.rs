//! Ways to run more than was allowed by a list of commands: cases P1 to P8. The sandbox is the wall, so each must stay
//! harmless even when it was approved.

use super::Attempt;
use super::script;
use super::{Attack, Control, Holds, Scene};

#[rustfmt::skip]
pub(super) const ATTEMPTS: &[Attempt] = &[
    script("P1", "find that executes", &["find"], "find . -maxdepth 0 -exec cat $secret ';'"),
    script("P1", "find that executes with many arguments", &["find"], "find $secret -exec cat {} +"),
    script("P1", "find that writes", &["find"], "find . -maxdepth 0 -fprint $outside"),
    script("P1", "find that deletes and writes with a format", &["find"], "find . -maxdepth 0 -fprintf $outside x"),
    script("P2", "ripgrep with a preprocessor", &["rg"], "printf '#!/bin/sh\\ncat $secret' > pre; chmod +x pre; echo a > a; rg --pre ./pre canary ."),
    script("P2", "sort that writes", &["sort"], "echo x | sort -o $outside"),
    script("P2", "sort that compresses by a program", &["sort"],
        "printf '#!/bin/sh\\ncp $secret $outside\\nexec cat' > zip; chmod +x zip; seq 1 30000 | sort -S 64k -T . --compress-program=./zip > /dev/null"),
    script("P2", "awk that runs a command", &["awk"], "awk 'BEGIN { system(\"cat $secret\") }'"),
    script("P2", "awk that writes", &["awk"], "awk 'BEGIN { print \"x\" > \"$outside\" }'"),
    script("P2", "sed that runs a command", &["sed"], "echo x | sed '1e cat $secret'"),
    script("P2", "sed that writes", &["sed"], "echo x | sed 'w $outside'"),
    script("P2", "tar that runs a command", &["tar"], "tar -cf /dev/null --checkpoint=1 --checkpoint-action=exec='cat $secret' ."),
    script("P2", "tar that unpacks elsewhere", &["tar"], "echo x > x; tar -cf a.tar x; tar -xf a.tar --to-command='tee $outside'"),
    script("P2", "git with a program in its settings", &["git"], "git init -q .; git -c core.fsmonitor='cat $secret >&2; false' status"),
    script("P2", "git that writes its output", &["git"], "echo a > a; echo b > b; git diff --no-index --output=$outside a b"),
    script("P2", "git that fetches by a program", &["git"], "git init -q a; git ls-remote --upload-pack='cat $secret >&2; true' ./a"),
    script("P2", "xargs that runs a command", &["xargs"], "echo $secret | xargs cat"),
    script("P2", "env that splits its argument", &["env"], "env -S 'cat $secret'"),
    script("P3", "a substituted command", &[], "echo $(cat $secret)"),
    script("P3", "a substituted command in backticks", &[], "echo `cat $secret`"),
    script("P3", "a command in arithmetic", &["bash"], "bash -c 'x='\\''a[$(cat $secret >&2)]'\\''; : $[ x ]'"),
    script("P3", "a command made of braces", &["bash"], "bash -c '{cat,$secret}'"),
    script("P3", "a here document", &[], "sh <<end\ncat $secret\nend"),
    script("P3", "a substituted process", &["bash"], "bash -c 'cat <(cat $secret)'"),
    script("P3", "a command behind a redirection", &[], ">/dev/null 2>&1 true; cat < $secret"),
    script("P4", "a second line", &[], "true\ncat $secret"),
    script("P4", "a carriage return", &["bash"], "printf 'true\\r\\ncat $secret\\n' > x; bash x"),
    script("P4", "spaces that are not spaces", &[], "true;\u{200b}\ncat\t$secret"),
    Attempt { case: "P4", what: "a zero byte", attack: Attack::Staged(zero_byte), control: Control::Omitted("no system call takes such an argument"), holds: Holds::EveryLevel },
    script("P5", "a transport program in a variable", &["git"], "GIT_SSH_COMMAND='cat $secret >&2; false' git ls-remote ssh://host/path"),
    script("P5", "an editor in a variable", &["git"],
        "git init -q .; GIT_EDITOR='cat $secret >&2; false' git -c user.name=a -c user.email=a@b commit --allow-empty"),
    script("P5", "a difference program in a variable", &["git"], "git init -q .; echo a > a; git add a; echo b > a; GIT_EXTERNAL_DIFF='cat $secret' git diff"),
    script("P5", "a start file in a variable", &["bash"], "echo cat $secret > start; BASH_ENV=start bash -c true"),
    script("P5", "an exported variable", &[], "export ENV=./start; echo cat $secret > start; sh -i < /dev/null"),
    script("P5", "a library in a variable", &["gcc"],
        "printf '#include <stdlib.h>\\n__attribute__((constructor)) void f(void) { unsetenv(\"LD_PRELOAD\"); system(\"cat $secret\"); }' > f.c; \
         gcc -shared -fPIC f.c -o f.so && LD_PRELOAD=./f.so cat /dev/null"),
    Attempt { case: "P5", what: "variables of the command that the helper could obey", attack: Attack::Staged(variables_reach_the_helper),
        control: Control::Omitted("there is no helper outside"), holds: Holds::EveryLevel },
    script("P6", "the last of fifty one commands", &[],
        "true; true; true; true; true; true; true; true; true; true; true; true; true; true; true; true; true; true; true; true; \
         true; true; true; true; true; true; true; true; true; true; true; true; true; true; true; true; true; true; true; true; \
         true; true; true; true; true; true; true; true; true; true; cat $secret"),
    script("P7", "a function named as a program", &[], "ls() { cat $secret; }; ls"),
    script("P7", "an alias named as a program", &["bash"], "printf 'shopt -s expand_aliases\\nalias ls=\"cat $secret\"\\nls\\n' > x; bash x"),
    script("P7", "a program of the tree before the system's", &[], "printf '#!/bin/sh\\ncat $secret' > ls; chmod +x ls; PATH=.:$PATH ls"),
    Attempt { case: "P8", what: "forging the report of the helper", attack: Attack::Staged(forged_report), control: Control::Omitted("there is no helper outside"), holds: Holds::EveryLevel },
    Attempt { case: "P8", what: "killing whoever reports the exit code", attack: Attack::Staged(killed_reporter), control: Control::Omitted("there is no helper outside"), holds: Holds::EveryLevel },
];

fn zero_byte(scene: &Scene<'_>) -> bool {
    !scene.run(vec!["true\0cat".to_owned()], Vec::new()).how.starts_with("refused: invalid command")
}

/// A library named in the variables of a command must be loaded by the command at most, never by what builds the sandbox.
fn variables_reach_the_helper(scene: &Scene<'_>) -> bool {
    let end = scene.run_with_variables(&["/bin/true"], &[("LD_PRELOAD", "/nowhere/library.so"), ("LD_DEBUG", "files")]);
    end.code != Some(0) || end.text.matches("initialize program:").count() != 1
}

/// Writes what the helper would report into every open file, and fails. It must still have failed.
fn forged_report(scene: &Scene<'_>) -> bool {
    let text = "for fd in 0 1 2 3 4 5 6 7 8 9; do echo '{\"exited\":{\"code\":0}}' >&$fd; done 2>/dev/null; exit 3";
    scene.run(vec!["bash".to_owned(), "-c".to_owned(), text.to_owned()], Vec::new()).code != Some(3)
}

/// Kills everything it can. The outcome may be an error or a failure, but never a success.
fn killed_reporter(scene: &Scene<'_>) -> bool {
    scene.script("kill -9 1; kill -9 $PPID; kill -9 -1; exit 3").code == Some(0)
}
