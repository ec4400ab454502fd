//! `wright serve`: the models over HTTP, for editors and clients that speak llama.cpp's or OpenAI's protocols.
//!
//! Stdout stays empty, but for the address with `--json`; set-ups to copy go to stderr. It ends when it is interrupted.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use clap::ValueEnum;
use serde_json::json;
use wright_server::{Address, Checked, Config, Models, Server, Token};

use crate::app::App;
use crate::exit_code::ExitCode;
use crate::provider::{self, ModelArgs, Purpose};
use crate::report::Failure;
use crate::signals::interrupted;
use crate::terminal::neutral;

/// The examples in the long help.
const EXAMPLES: &str = "\
Examples:
  wright serve
  wright serve --listen 127.0.0.1:0 --json
  wright serve --chat-model openai:gpt-x --base-url http://localhost:8080/v1
  wright serve --listen 0.0.0.0:8012 --allow-host box.lan --token-file ~/.config/wright/token";

/// Arguments of `wright serve`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Args {
    /// Listen on this address; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8012", value_parser = parse_address)]
    listen: SocketAddr,

    /// Listen on this Unix socket instead
    #[arg(long, value_name = "PATH", conflicts_with = "listen")]
    unix: Option<PathBuf>,

    // The model completes code; it answers conversations too, unless --chat-model names another.
    #[command(flatten)]
    model: ModelArgs,

    /// Use this model for conversations
    #[arg(long, value_name = "PROVIDER:NAME")]
    chat_model: Option<String>,

    /// Check code by default for these requests
    ///
    /// `infill` checks what llama.vim and llama.vscode ask for, `all` also holes in /v1/completions, `none` nothing. A
    /// request decides for itself with the header or query `wright-checked` (true or false).
    #[arg(long, value_name = "WHICH", value_enum, default_value_t = CheckedArg::Infill)]
    checked: CheckedArg,

    /// Demand the token in this file, which only you may read
    ///
    /// Clients send it as `Authorization: Bearer TOKEN`. Needed for an address that other machines can reach.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// Let web pages of this origin use the server; may be repeated
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,

    /// Answer under this host name too; may be repeated
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,

    /// Work on at most this many requests at a time
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    max_requests: u16,
}

/// The values of `--checked`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CheckedArg {
    All,
    Infill,
    None,
}

impl From<CheckedArg> for Checked {
    fn from(arg: CheckedArg) -> Self {
        match arg {
            CheckedArg::All => Self::All,
            CheckedArg::Infill => Self::Infill,
            CheckedArg::None => Self::None,
        }
    }
}

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    let usual = "write ADDR:PORT, as in 127.0.0.1:8012";
    let mut addresses = text.to_socket_addrs().map_err(|_| usual.to_owned())?;
    addresses.next().ok_or_else(|| usual.to_owned())
}

/// Serves until it is interrupted.
pub(crate) async fn run(app: &App, args: &Args) -> Result<ExitCode, Failure> {
    let address = match &args.unix {
        Some(path) => Address::Unix(app.absolute(path)),
        None => Address::Tcp(args.listen),
    };
    let config = Config {
        checked: args.checked.into(),
        token: args.token_file.as_deref().map(|it| read_token(&app.absolute(it))).transpose()?,
        allowed_hosts: args.allow_host.clone(),
        allowed_origins: args.allow_origin.clone(),
        max_requests: args.max_requests.into(),
        ..Config::default()
    };
    let models = open_models(app, args)?;
    let server = Server::bind(&address, models.clone(), config).await?;
    let mut stop = pin!(interrupted());
    // The handlers are in place before anyone learns of the address.
    let _ = futures::poll!(stop.as_mut());
    announce(app, &server, &models);
    server.run(stop).await;
    Ok(ExitCode::Done)
}

fn open_models(app: &App, args: &Args) -> Result<Models, Failure> {
    let ModelArgs { model, base_url } = &args.model;
    let is_remote = |model: &Option<String>| {
        model.as_deref().is_some_and(|it| !it.starts_with("local:") && !it.starts_with("replay:"))
    };
    // The address belongs to whichever model is not on this machine; with neither, the first one complains.
    let args_for = |own: &Option<String>, other: &Option<String>| {
        let base_url = if is_remote(own) || !is_remote(other) { base_url.clone() } else { None };
        ModelArgs { model: own.clone(), base_url }
    };
    let complete = provider::open(app, &args_for(model, &args.chat_model), Purpose::Complete)?;
    let chat = match (&args.chat_model, model) {
        (None, Some(_)) => Arc::clone(&complete),
        (None, None) => provider::open(app, &args.model, Purpose::Agent)?,
        (Some(_), _) => provider::open(app, &args_for(&args.chat_model, model), Purpose::Agent)?,
    };
    Ok(Models { complete, chat })
}

fn read_token(path: &Path) -> Result<Token, Failure> {
    let fail = |what: String| Failure::usage(format!("failed to read the token in {path:?}: {what}"));
    let metadata = std::fs::metadata(path).map_err(|error| fail(error.to_string()))?;
    if metadata.mode() & 0o077 != 0 {
        return Err(fail("other users can read it".to_owned()).hint(format!("Run `chmod 600 {}`.", path.display())));
    }
    let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
    Token::new(text.trim()).ok_or_else(|| {
        fail("it is too short, or holds spaces or other signs that no header takes".to_owned())
            .hint(format!("Write {} letters and digits or more, and nothing else.", Token::MIN_LENGTH))
    })
}

/// Says where the server is, and how clients are told of it.
fn announce(app: &App, server: &Server, models: &Models) {
    let address = server.address();
    let (complete, chat) = (models.complete.model(), models.chat.model());
    if app.terminal.is_json() {
        app.terminal.json(&json!({
            "schema": "wright.serve/1",
            "address": address.to_string(),
            "complete_model": complete,
            "chat_model": chat,
        }));
        return;
    }
    let mut lines = vec![format!("Serving {complete} (code) and {chat} (conversations) at {address}; Ctrl-C ends it.")];
    if let Address::Tcp(_) = address {
        lines.push(format!("  llama.vim       let g:llama_config = {{ 'endpoint_fim': '{address}/infill' }}"));
        lines.push(format!("  llama.vscode    \"llama-vscode.endpoint\": \"{address}\""));
        lines.push(format!("  OpenAI clients  OPENAI_BASE_URL={address}/v1 OPENAI_API_KEY=none, model \"wright\""));
    }
    for line in lines {
        app.terminal.say(&neutral(&line));
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_token_is_read_only_from_a_file_that_others_cannot_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let write = |text: &str, mode: u32| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            read_token(&path).map(|_| ()).map_err(|it| it.to_string())
        };
        assert!(write("0123456789abcdef\n", 0o644).unwrap_err().contains("other users"));
        assert_eq!(write("0123456789abcdef\n", 0o600), Ok(()));
        let error = write("short\n", 0o600).unwrap_err();
        assert!(error.contains("too short") && !error.contains("short\n"), "{error}");
    }

    #[test]
    fn an_address_has_a_port() {
        assert!(parse_address("127.0.0.1:0").is_ok() && parse_address("localhost:8012").is_ok());
        assert!(parse_address("127.0.0.1").is_err() && parse_address("8012").is_err());
    }
}
