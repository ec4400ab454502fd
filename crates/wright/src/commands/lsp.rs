//! `wright lsp`: the language server of an editor, on stdin and stdout.

use std::path::PathBuf;
use std::sync::Arc;

use wright_complete::{Completer, Settings};
use wright_lsp::{Ended, Host, OpenFailure, Workbench, serve};

use crate::app::App;
use crate::exit_code::ExitCode;
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
    let serving = tokio::task::spawn_blocking(move || serve(std::io::stdin(), std::io::stdout(), host, runtime));
    match serving.await {
        Ok(Ended::InOrder) => Ok(ExitCode::Done),
        Ok(Ended::Abandoned) => Ok(ExitCode::Refused),
        Err(_) => Ok(ExitCode::Internal),
    }
}

/// Opens models for the server.
struct EditorHost {
    app: Arc<App>,
    model: ModelArgs,
}

impl Host for EditorHost {
    fn open(&self, model: Option<&str>, _folders: &[PathBuf]) -> Result<Workbench, OpenFailure> {
        let mut chosen = self.model.clone();
        // What the user set in the editor is nearer than how the editor was told to start us.
        if let Some(model) = model {
            chosen.model = Some(model.to_owned());
        }
        let provider = provider::open(&self.app, &chosen, Purpose::Complete).map_err(|failure| OpenFailure {
            message: failure.to_string(),
            hint: failure.advice().map(str::to_owned),
        })?;
        let model = provider.model().to_owned();
        let settings = Settings::default();
        let completer = Arc::new(Completer::new(provider, settings.clone()));
        Ok(Workbench { completer, settings, model })
    }
}
