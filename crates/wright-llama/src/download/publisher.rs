//! Fetches a model from its publisher over HTTP, going on where an earlier attempt stopped.

use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, CONTENT_RANGE, RANGE};
use reqwest::{Client, Response, StatusCode};

use super::part::PartFile;
use super::{Source, Stage, Target, open_part};

/// How often a connection that broke is made again without having brought anything.
const MAX_FRUITLESS: usize = 3;

/// How long the publisher may be silent.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Progress is reported each time this many bytes have arrived.
const REPORT_BYTES: u64 = 1 << 20;

/// Fetches all bytes of the model, or says why not.
pub(super) async fn fetch(target: &Target<'_>, address: &str, connect_timeout: Duration) -> Result<PartFile, String> {
    let client = Client::builder()
        .connect_timeout(connect_timeout)
        .read_timeout(READ_TIMEOUT)
        .build()
        .map_err(|error| explain(&error))?;
    let url =
        format!("{}/{}/resolve/main/{}", address.trim_end_matches('/'), target.model.repository, target.model.file);
    // Asked before what is there is hashed, which takes seconds: a publisher that cannot be reached is known first.
    let n_there = target.n_there();
    let mut response = if n_there < target.model.bytes { Some(request(&client, &url, n_there).await?) } else { None };
    let mut part = open_part(target, Source::Publisher, |n_bytes| n_bytes).await?;
    let mut n_fruitless = 0;
    while part.n_bytes() < target.model.bytes {
        let n_before = part.n_bytes();
        let outcome = match response.take() {
            Some(response) => receive(target, &mut part, response).await,
            None => match request(&client, &url, n_before).await {
                Ok(response) => receive(target, &mut part, response).await,
                Err(message) => Err(message),
            },
        };
        let Err(message) = outcome else { continue };
        n_fruitless = if part.n_bytes() > n_before { 0 } else { n_fruitless + 1 };
        if n_fruitless == MAX_FRUITLESS || part.n_bytes() > target.model.bytes {
            return Err(message);
        }
    }
    Ok(part)
}

/// Asks for the file from byte `from` on.
async fn request(client: &Client, url: &str, from: u64) -> Result<Response, String> {
    let mut request = client.get(url).header(ACCEPT_ENCODING, "identity");
    if from > 0 {
        request = request.header(RANGE, format!("bytes={from}-"));
    }
    let response = request.send().await.map_err(|error| explain(&error))?;
    match response.status() {
        StatusCode::OK | StatusCode::PARTIAL_CONTENT => Ok(response),
        status => Err(format!("{url} answered with status {status}")),
    }
}

/// Appends the body of a response to the file.
async fn receive(target: &Target<'_>, part: &mut PartFile, mut response: Response) -> Result<(), String> {
    let first = first_byte(&response);
    let offered = response.content_length().map(|n_bytes| first.unwrap_or(0) + n_bytes);
    if offered != Some(target.model.bytes) {
        return Err(format!("the publisher offers {offered:?} bytes instead of {}", target.model.bytes));
    }
    if first.unwrap_or(0) != part.n_bytes() {
        // The publisher cannot resume, and what it sends starts elsewhere.
        part.cut(0).map_err(|error| error.to_string())?;
        if first.is_some_and(|first| first != 0) {
            return Err("the publisher sent another range than it was asked for".to_owned());
        }
    }
    let mut n_reported = part.n_bytes();
    target.report(Some(Source::Publisher), Stage::Downloading, n_reported);
    while let Some(bytes) = response.chunk().await.map_err(|error| explain(&error))? {
        part.append(&bytes).map_err(|error| error.to_string())?;
        if part.n_bytes() >= n_reported + REPORT_BYTES || part.n_bytes() == target.model.bytes {
            n_reported = part.n_bytes();
            target.report(Some(Source::Publisher), Stage::Downloading, n_reported);
        }
    }
    Ok(())
}

/// Returns the number of the first byte of a partial answer.
fn first_byte(response: &Response) -> Option<u64> {
    let range = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

/// Returns an error with its causes: the outermost alone says only that a request failed.
fn explain(error: &reqwest::Error) -> String {
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        message.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    message
}
