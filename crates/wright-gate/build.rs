//! Lists the files in `rules/`, so that a new rule is a new file and nothing else.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=rules");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut list = String::from(
        "/// The files of `rules/`: folder and name, and what is in it.\nconst RULE_FILES: &[(&str, &str)] = &[\n",
    );
    for language in ["go", "java", "javascript", "python", "rust"] {
        let folder = root.join(language);
        for file in entries(&folder)? {
            let name = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let name = format!("{language}/{}", name(&file));
            let _infallible = writeln!(list, "    ({name:?}, include_str!({:?})),", file.display().to_string());
        }
    }
    list.push_str("];\n");
    #[expect(clippy::disallowed_methods, reason = "cargo tells a build script its folder this way only")]
    let out = std::env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    std::fs::write(out.join("rule_files.rs"), list)
}

fn entries(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = std::fs::read_dir(folder)?.map(|it| it.map(|it| it.path())).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}
