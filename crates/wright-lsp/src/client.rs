//! What a client says about itself when it starts, read loosely: a member that is missing or odd means "no".

use std::path::{Path, PathBuf};

use serde_json::Value;
use url::Url;

use crate::positions::Encoding;

/// The client, as far as it matters here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Client {
    /// The folders that are open, absolute.
    pub(crate) folders: Vec<PathBuf>,
    /// In what units it counts columns.
    pub(crate) encoding: Option<Encoding>,
    /// The process whose end is the end of this server.
    pub(crate) process_id: Option<i32>,
    /// Makes edits that the server asks for.
    pub(crate) applies_edits: bool,
    /// Checks the version of a document that an edit is for, and takes operations on files.
    pub(crate) changes_versions: bool,
    /// Lets edits create files.
    pub(crate) creates_files: bool,
    /// Shows documents that the server names.
    pub(crate) shows_documents: bool,
    /// Shows the progress of work that the server starts.
    pub(crate) shows_progress: bool,
    /// Can be asked for its settings.
    pub(crate) has_configuration: bool,
}

impl Client {
    /// Reads the parameters of `initialize`.
    pub(crate) fn read(params: &Value) -> Self {
        let can = |pointer: &str| params.pointer(pointer).and_then(Value::as_bool).unwrap_or(false);
        let offered = params.pointer("/capabilities/general/positionEncodings").and_then(Value::as_array);
        let offered: Vec<&str> = offered.into_iter().flatten().filter_map(Value::as_str).collect();
        let operations = params.pointer("/capabilities/workspace/workspaceEdit/resourceOperations");
        let operations = operations.and_then(Value::as_array).into_iter().flatten();
        Self {
            folders: folders(params),
            encoding: Some(Encoding::negotiate(&offered)),
            process_id: params["processId"].as_i64().and_then(|it| i32::try_from(it).ok()),
            applies_edits: can("/capabilities/workspace/applyEdit"),
            changes_versions: can("/capabilities/workspace/workspaceEdit/documentChanges"),
            creates_files: operations.into_iter().any(|it| it == "create"),
            shows_documents: can("/capabilities/window/showDocument/support"),
            shows_progress: can("/capabilities/window/workDoneProgress"),
            has_configuration: can("/capabilities/workspace/configuration"),
        }
    }

    /// Returns in what units positions count.
    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding.unwrap_or(Encoding::Utf16)
    }

    /// Returns the folder that holds a file, the innermost of several.
    pub(crate) fn folder_of(&self, path: &Path) -> Option<&Path> {
        let holding = self.folders.iter().filter(|it| path.starts_with(it));
        holding.max_by_key(|it| it.components().count()).map(PathBuf::as_path)
    }

    /// Returns whether a file is hidden, or in a hidden folder, outside of every folder that is open: settings and keys of
    /// the user live there.
    pub(crate) fn is_private(&self, path: &Path) -> bool {
        let is_hidden = |it: std::path::Component<'_>| {
            it.as_os_str().to_str().is_some_and(|it| it.len() > 1 && it.starts_with('.') && it != "..")
        };
        path.is_absolute() && self.folder_of(path).is_none() && path.components().any(is_hidden)
    }

    /// Follows `workspace/didChangeWorkspaceFolders`.
    pub(crate) fn change_folders(&mut self, params: &Value) {
        let removed: Vec<PathBuf> = folder_list(&params["event"]["removed"]);
        self.folders.retain(|it| !removed.contains(it));
        self.folders.extend(folder_list(&params["event"]["added"]));
    }
}

fn folders(params: &Value) -> Vec<PathBuf> {
    let listed = folder_list(&params["workspaceFolders"]);
    if !listed.is_empty() {
        return listed;
    }
    let from_uri = params["rootUri"].as_str().and_then(file_path);
    from_uri.or_else(|| params["rootPath"].as_str().map(PathBuf::from)).into_iter().collect()
}

fn folder_list(value: &Value) -> Vec<PathBuf> {
    let list = value.as_array().into_iter().flatten();
    list.filter_map(|it| it["uri"].as_str().and_then(file_path)).collect()
}

fn file_path(uri: &str) -> Option<PathBuf> {
    Url::parse(uri).ok().filter(|it| it.scheme() == "file")?.to_file_path().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hidden_files_outside_the_workspace_are_private() {
        let client = Client::read(&json!({
            "workspaceFolders": [{ "uri": "file:///home/u/project", "name": "project" }],
        }));
        let is_private = |path: &str| client.is_private(Path::new(path));
        assert!(is_private("/home/u/.ssh/config") && is_private("/home/u/.bashrc"));
        assert!(!is_private("/home/u/project/.github/build.py"), "a project's own files are not");
        assert!(!is_private("/home/u/scratch/a.py") && !is_private("Untitled-1.py"));
    }

    #[test]
    fn odd_parameters_mean_that_nothing_is_promised() {
        for params in [json!(null), json!([]), json!({ "processId": "x", "capabilities": 3, "workspaceFolders": {} })] {
            let client = Client::read(&params);
            assert_eq!(client.encoding(), Encoding::Utf16);
            assert!(client.folders.is_empty() && !client.applies_edits, "{params}");
        }
        let client = Client::read(&json!({ "rootUri": "file:///a", "rootPath": "/b" }));
        assert_eq!(client.folders, [PathBuf::from("/a")]);
    }

    #[test]
    fn folders_come_and_go() {
        let mut client = Client::read(&json!({ "rootPath": "/a" }));
        client.change_folders(&json!({ "event": {
            "removed": [{ "uri": "file:///a", "name": "a" }],
            "added": [{ "uri": "file:///b", "name": "b" }, { "uri": "file:///b/c", "name": "c" }],
        }}));
        assert_eq!(client.folder_of(Path::new("/b/c/d.py")), Some(Path::new("/b/c")));
        assert_eq!(client.folder_of(Path::new("/a/d.py")), None);
    }
}
