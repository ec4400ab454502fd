//! The whole measurement against a scripted model and a made-up peer: that everything is connected.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wright_provider::replay::{Answer as Scripted, ScriptedProvider};

use super::*;

/// Writes a trace: two keys, a jump, a key.
fn write_trace(folder: &Path) {
    let source = "def f(x):\n    y = x\n    return \n\n\ndef g(x):\n    return x\n";
    fs::write(folder.join("a.py"), source).unwrap();
    let at = source.find("return \n").unwrap() + "return ".len();
    let trace = json!({
        "schema": "wright.typing/1", "language": "python", "manner": "jumped", "source": "a.py",
        "cut": { "start": at, "end": at },
        "events": [
            { "pause_ms": 1, "insert": { "at": at, "text": "x" } },
            { "pause_ms": 1, "insert": { "at": at + 1, "text": " " } },
            { "pause_ms": 1, "move": 0 },
            { "pause_ms": 1, "insert": { "at": 0, "text": "#" } },
        ],
    });
    fs::write(folder.join("python-jumped.json"), trace.to_string()).unwrap();
}

fn deps() -> TypingDeps {
    let provider = ScriptedProvider::from_fn(|_| Scripted::text("+ y"));
    TypingDeps { provider: Arc::new(provider), worker: Arc::new(NoWorker), progress: Arc::new(|_| ()) }
}

fn options(folder: &Path) -> TypingOptions {
    TypingOptions { contexts: vec![500], ..TypingOptions::new(folder) }
}

/// Answers on a loopback port as the peer does, and keeps what it was asked.
async fn fake_peer() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, Arc::clone(&kept)));
        }
    });
    (url, asked)
}

async fn answer(mut stream: TcpStream, asked: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let question = read_request(&mut stream).await?;
    let body = match question.split_whitespace().nth(1) {
        Some("/health") => "{\"status\":\"ok\"}".to_owned(),
        Some("/slots") => "[{\"id\":0,\"is_processing\":false}]".to_owned(),
        _ => {
            asked.lock().unwrap().push(question);
            let timings = json!({ "cache_n": 10, "prompt_n": 7, "predicted_n": 2 });
            let piece = |text: &str| json!({ "content": text, "stop": false, "timings": timings });
            format!("data: {}\n\ndata: {}\n\n", piece("+ 1"), piece("\n    more"))
        }
    };
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).await
}

async fn read_request(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let n_read = stream.read(&mut piece).await?;
        bytes.extend_from_slice(&piece[..n_read]);
        let text = String::from_utf8_lossy(&bytes);
        let is_whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| body.len() >= content_length(head));
        if n_read == 0 || is_whole {
            return Ok(text.into_owned());
        }
    }
}

fn content_length(head: &str) -> usize {
    let field = head.lines().find_map(|it| it.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    field.unwrap_or(0)
}

#[tokio::test]
async fn each_keystroke_is_measured_on_each_side() {
    let folder = tempfile::tempdir().unwrap();
    write_trace(folder.path());
    let (url, asked) = fake_peer().await;
    let sides = vec![Side::Engine, Side::Product, Side::PeerPrefixFirst, Side::PeerSuffixFirst];
    let output = folder.path().join("out.report");
    let options = TypingOptions { peer: Some(url), sides, output: Some(output.clone()), ..options(folder.path()) };
    let report = run_typing(&deps(), &options).await.unwrap();

    let seen = |side: Side| -> Vec<(usize, bool)> {
        let passes: Vec<&Pass> = report.passes.iter().filter(|it| it.side == side).collect();
        passes.iter().flat_map(|it| &it.samples).map(|it| (it.keystroke, it.is_turn)).collect()
    };
    let all = vec![(0, false), (1, false), (2, true)];
    for side in [Side::Engine, Side::Product, Side::PeerSuffixFirst] {
        assert_eq!(seen(side), all, "{side:?}");
    }
    assert_eq!(seen(Side::PeerPrefixFirst), [(0, false), (2, true)], "each sixteenth, and the one after the jump");
    let peer = &report.passes.iter().find(|it| it.side == Side::PeerPrefixFirst).unwrap().samples[0];
    assert_eq!((peer.answer, peer.shown.as_str()), (Answer::Shown, "+ 1"));
    assert_eq!((peer.prompt_tokens, peer.evaluated_tokens, peer.written_tokens), (17, Some(7), 2));
    // Both orders are also asked once before the first key.
    assert_eq!(asked.lock().unwrap().len(), (1 + 2) + (1 + 3));
    let stored: serde_json::Value = serde_json::from_str(&fs::read_to_string(output).unwrap()).unwrap();
    assert_eq!((&stored["schema"], stored["passes"].as_array().unwrap().len()), (&json!(SCHEMA), 4));
}

#[tokio::test]
async fn the_model_is_seen_through_the_product() {
    let folder = tempfile::tempdir().unwrap();
    write_trace(folder.path());
    let options = TypingOptions { sides: vec![Side::Engine], every: 2, ..options(folder.path()) };
    let report = run_typing(&deps(), &options).await.unwrap();
    let samples = &report.passes[0].samples;
    assert_eq!(samples.iter().map(|it| it.keystroke).collect::<Vec<_>>(), [0, 2]);
    assert!(samples.iter().any(|it| it.answer == Answer::Shown && it.first_ms.is_some() && it.prompt_tokens > 0));
}

#[tokio::test]
async fn clients_type_in_documents_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    write_trace(folder.path());
    let options = TypingOptions { n_clients: 3, ..options(folder.path()) };
    let report = run_typing(&deps(), &options).await.unwrap();
    let [measured] = report.clients.as_slice() else { panic!("{:?}", report.clients) };
    let documents: Vec<&str> = measured.together.iter().map(|it| it.document.as_str()).collect();
    assert_eq!(documents, ["a_0.py", "a_1.py", "a_2.py"]);
    assert!(measured.together.iter().chain(&measured.alone).all(|it| it.samples.len() == 3));
    assert!(measured.unfairness().is_some() && measured.rereading().is_some());
    assert!(report.passes.is_empty());
}

#[tokio::test]
async fn a_peer_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    write_trace(folder.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    for url in [format!("http://{address}"), "nonsense".to_owned()] {
        let options = TypingOptions { peer: Some(url), ..options(folder.path()) };
        let error = run_typing(&deps(), &options).await.unwrap_err();
        assert!(error.to_string().starts_with("cannot measure the peer at "), "{error}");
    }
}

#[tokio::test]
async fn only_named_traces_are_replayed() {
    let folder = tempfile::tempdir().unwrap();
    write_trace(folder.path());
    let named = |word: &str| TypingOptions { only: vec![word.to_owned()], ..options(folder.path()) };
    assert_eq!(run_typing(&deps(), &named("jumped")).await.unwrap().passes.len(), 2);
    let error = run_typing(&deps(), &named("cobol")).await.unwrap_err();
    assert_eq!(error.to_string(), "no trace is called \"cobol\"");
}
