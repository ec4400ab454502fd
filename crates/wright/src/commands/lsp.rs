//! `wright lsp`: the language server of an editor, on stdin and stdout.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wright_agent::assistant::Assistant;
use wright_complete::{Completer, Settings};
use wright_lsp::{Ended, Host, OpenFailure, Workbench, serve};
use wright_provider::Provider;
use wright_repo::{Neighbors, Repository};
use wright_store::SuggestionLog;

use crate::app::App;
use crate::exit_code::ExitCode;
use crate::home::short_digest;
use crate::provider::{self, ModelArgs, Purpose};
use crate::report::Failure;

/// The examples in the long help.
const EXAMPLES: &str = "\
Editors run this; docs/editors.md has the set-up of each. In Neovim 0.12:
  vim.lsp.config('wright', { cmd = { 'wright', 'lsp' }, root_markers = { '.git' } })
  vim.lsp.enable('wright')";

/// Arguments of `wright lsp`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Args {
    /// Speak on stdin and stdout, as this always does; some editors insist on saying so
    #[arg(long)]
    stdio: bool,

    #[command(flatten)]
    model: ModelArgs,
}

/// Serves the editor until it leaves.
pub(crate) async fn run(app: &Arc<App>, args: &Args) -> Result<ExitCode, Failure> {
    let host = Arc::new(EditorHost { app: Arc::clone(app), model: args.model.clone() });
    let runtime = tokio::runtime::Handle::current();
    let serving = tokio::task::spawn_blocking(move || serve(std::io::stdin(), std::io::stdout(), host, &runtime));
    match serving.await {
        Ok(Ended::InOrder) => Ok(ExitCode::Done),
        Ok(Ended::Abandoned) => Ok(ExitCode::Refused),
        Err(_) => Ok(ExitCode::Internal),
    }
}

/// How many explanations are kept for an editor to show.
const MAX_PAGES: usize = 20;

/// The outside, as the server sees it.
struct EditorHost {
    app: Arc<App>,
    model: ModelArgs,
}

impl EditorHost {
    /// Opens a model; what the user set in the editor is nearer than how the editor was told to start us.
    fn provider(&self, model: Option<&str>, purpose: Purpose) -> Result<Arc<dyn Provider>, OpenFailure> {
        let mut chosen = self.model.clone();
        if let Some(model) = model {
            chosen.model = Some(model.to_owned());
        }
        provider::open(&self.app, &chosen, purpose)
            .map_err(|failure| OpenFailure { message: failure.to_string(), hint: failure.advice().map(str::to_owned) })
    }
}

impl Host for EditorHost {
    fn open(&self, model: Option<&str>, folders: &[PathBuf]) -> Result<Workbench, OpenFailure> {
        let provider = self.provider(model, Purpose::Complete)?;
        let assistant = self.provider(model, Purpose::Agent).map(Assistant::new);
        let model = provider.model().to_owned();
        let settings = if model.starts_with("local:") { Settings::on_this_machine() } else { Settings::default() };
        let scope = folders.first().map(|it| short_digest(&[&it.to_string_lossy()]));
        let settings = Settings { scope, ..settings };
        let completer = Arc::new(Completer::new(provider, settings.clone()));
        if let Some(neighbors) = folders.first().and_then(|it| Neighbors::around(it).ok()) {
            completer.look_around(Arc::new(neighbors));
        }
        Ok(Workbench { completer, settings, model, assistant })
    }

    fn suggestion_log(&self) -> SuggestionLog {
        if self.app.records_suggestions() {
            SuggestionLog::start(self.app.home.suggestions())
        } else {
            SuggestionLog::disabled()
        }
    }

    fn head(&self, folder: &Path) -> Option<String> {
        let head = Repository::discover(folder).ok()?.head().ok()?;
        Some(head.as_str().to_owned())
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn keep_page(&self, markdown: &str) -> Option<PathBuf> {
        let folder = self.app.home.private_folder("pages").ok()?;
        // The oldest name is used again, so that the folder does not grow.
        let pages = (1..=MAX_PAGES).map(|n| folder.join(format!("answer-{n}.md")));
        let changed = |path: &PathBuf| std::fs::metadata(path).and_then(|it| it.modified()).ok();
        let path = pages.min_by_key(changed)?;
        std::fs::write(&path, markdown).ok()?;
        Some(path)
    }
}
