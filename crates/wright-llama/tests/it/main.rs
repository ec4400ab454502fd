//! The client and the worker together, as two processes.
//!
//! Tests called `real_model_…` need the file of the smallest model, in WRIGHT_MODELS or the user's data folder. Where it
//! is missing they are ignored with a note, and fail when CI is `true`. The program runs itself again as the worker.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "people are told why tests are ignored")]
#![allow(clippy::disallowed_methods, reason = "tests find the model and themselves through the environment")]

use std::fs;
use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use futures::StreamExt;
use libtest_mimic::{Arguments, Failed, Trial};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use wright_llama::{LocalConfig, LocalProvider, ModelFolder, WorkerConfig, stop_worker, worker_main, worker_stats};
use wright_provider::{
    Alternatives, ClientId, Completion, CompletionStream, Event, FimOrder, Message, Priority, Prompt, PromptCost,
    Provider, ProviderError, Request, Sampling, StopReason, collect,
};

const MODEL: &str = "qwen2.5-coder-0.5b";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, command, config] = &arguments[..]
        && command == "model-worker"
    {
        return worker_main(WorkerConfig::parse(config).unwrap());
    }
    let mut options = Arguments::from_args();
    // Each test has a worker of its own, and two of them at once would only wait for each other.
    options.test_threads = Some(1);
    libtest_mimic::run(&options, trials()).exit_code()
}

fn trials() -> Vec<Trial> {
    let trials = vec![
        test("a_worker_that_cannot_start_is_reported_with_the_end_of_its_log", worker_that_cannot_start),
        test("a_socket_in_a_folder_that_is_open_to_others_is_refused", open_folder),
        test("a_model_that_is_not_there_is_missing", missing_model),
        test("a_file_that_is_no_model_is_refused_with_the_reason", broken_model),
        test("a_malformed_message_is_answered_and_the_worker_lives_on", malformed_message),
        test("a_stopped_worker_leaves_no_socket", stopped_worker),
        test("an_idle_worker_ends", idle_worker),
    ];
    trials.into_iter().chain(real_model_trials()).collect()
}

fn real_model_trials() -> Vec<Trial> {
    let trials = vec![
        test("real_model_streams_text", streams_text),
        test("real_model_fills_a_hole_in_either_order", fills_a_hole),
        test("real_model_writes_candidates_after_one_reading", writes_candidates),
        test("real_model_writes_more_candidates_than_fit_at_a_time", writes_many_candidates),
        test("real_model_repeats_itself_for_the_same_seed", repeats_itself),
        test("real_model_stops_when_the_stream_is_dropped", stops_when_dropped),
        test("real_model_lets_a_keystroke_overtake", keystroke_overtakes),
        test("real_model_reads_without_writing_and_knows_what_is_cached", reads_without_writing),
        test("real_model_remembers_a_repository_after_a_restart", remembers_a_repository),
        test("real_model_is_shared_fairly_by_two_clients", is_shared_fairly),
        test("real_model_survives_a_killed_worker", survives_a_kill),
        test("real_model_refuses_what_exceeds_the_context", refuses_too_much),
        test("real_model_prefers_the_right_variant", prefers_the_right_variant),
        test("real_model_serves_two_clients_from_one_private_worker", serves_two_clients),
        test("real_model_reads_markers_in_messages_as_text", reads_markers_as_text),
    ];
    let is_there = ModelFolder::new(models()).path_of(MODEL).is_ok();
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    let is_ignored = !is_there && !is_ci;
    if is_ignored {
        eprintln!("note: {MODEL} is not in {}, so the real_model tests are ignored", models().display());
    }
    trials.into_iter().map(|trial| if is_ignored { trial.with_ignored_flag(true) } else { trial }).collect()
}

/// Returns the folder of models.
fn models() -> PathBuf {
    match std::env::var_os("WRIGHT_MODELS") {
        Some(folder) => folder.into(),
        None => PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".local/share/wright/models"),
    }
}

/// Returns a trial that runs `body` with a worker of its own.
fn test<F: Future<Output = ()>>(name: &str, body: impl FnOnce(Bench) -> F + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let runtime = tokio::runtime::Runtime::new().map_err(|error| Failed::from(error.to_string()))?;
        let bench = Bench::new();
        let socket = bench.config.socket.clone();
        let folder = bench.folder.clone();
        runtime.block_on(async {
            body(bench).await;
            stop_worker(&socket).await.unwrap();
        });
        fs::remove_dir_all(folder).unwrap();
        Ok(())
    })
}

/// A place for a worker, and how to start it.
struct Bench {
    /// A temporary folder that the trial deletes after its worker has ended.
    folder: PathBuf,
    config: LocalConfig,
}

impl Bench {
    fn new() -> Self {
        let folder = TempDir::with_prefix("wright-llama-").unwrap().keep();
        let program = std::env::current_exe().unwrap().display().to_string();
        let config = LocalConfig {
            worker_command: vec![program, "model-worker".to_owned()],
            socket: folder.join("run/worker.sock"),
            models: models(),
            threads: 2,
            context_tokens: 2048,
            states: Some(folder.join("states")),
            idle_unload: Duration::from_secs(60),
            idle_exit: Duration::from_secs(20),
        };
        Self { folder, config }
    }

    fn provider(&self) -> LocalProvider {
        LocalProvider::new(self.config.clone(), MODEL)
    }
}

fn request(prompt: Prompt, sampling: Sampling) -> Request {
    Request::new(prompt, sampling, Priority::Chat)
}

fn chat(text: &str) -> Prompt {
    Prompt::Chat { messages: vec![Message::user(text)], prefill: String::new() }
}

fn sampled(n_candidates: u32, max_tokens: u32) -> Sampling {
    Sampling { n_candidates, temperature: 0.9, top_p: 0.95, seed: 42, ..Sampling::greedy(max_tokens) }
}

async fn complete(provider: &LocalProvider, request: Request) -> Vec<Completion> {
    collect(provider.complete(request).await.unwrap()).await.unwrap().0
}

async fn first_event(stream: &mut CompletionStream) -> Event {
    stream.next().await.unwrap().unwrap()
}

async fn worker_that_cannot_start(mut bench: Bench) {
    bench.config.worker_command = ["sh", "-c", "echo no such weights >&2; exit 3"].map(str::to_owned).to_vec();
    let error = bench.provider().count_tokens("x").await.unwrap_err();
    let expected = format!(
        "cannot reach \"local:{MODEL}\": the model worker ended at its start (exit status: 3): no such weights"
    );
    assert_eq!(error.to_string(), expected);
}

async fn open_folder(bench: Bench) {
    let folder = bench.config.socket.parent().unwrap();
    fs::create_dir(folder).unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    let error = bench.provider().count_tokens("x").await.unwrap_err();
    assert!(error.to_string().ends_with("run is open to others"), "{error}");
}

async fn missing_model(bench: Bench) {
    let provider = LocalProvider::new(bench.config.clone(), "no-such-model");
    let error = provider.complete(request(chat("hi"), Sampling::greedy(4))).await.err().unwrap();
    assert!(matches!(error, ProviderError::ModelMissing { id } if id == "no-such-model"));
}

async fn broken_model(mut bench: Bench) {
    bench.config.models = bench.folder.join("models");
    fs::create_dir(&bench.config.models).unwrap();
    fs::write(bench.config.models.join("mine.gguf"), b"GGUF and nothing else").unwrap();
    let provider = LocalProvider::new(bench.config.clone(), "mine");
    let error = provider.count_tokens("x").await.unwrap_err();
    assert!(error.to_string().contains("cannot load model \"mine\": the engine cannot load the file: "), "{error}");
}

async fn malformed_message(bench: Bench) {
    // A request about a missing model starts the worker.
    assert!(LocalProvider::new(bench.config.clone(), "none").count_tokens("x").await.is_err());
    let (reader, mut writer) = UnixStream::connect(&bench.config.socket).await.unwrap().into_split();
    writer.write_all(b"{\"v\":2,\"id\":8,\"body\":{\"type\":\"sing\"}}\nnot json\n{\"v\":3,\"id\":9}\n").await.unwrap();
    let mut lines = BufReader::new(reader).lines();
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(lines.next_line().await.unwrap().unwrap());
    }
    assert!(answers[0].starts_with("{\"v\":2,\"id\":8,\"body\":{\"type\":\"error\",\"error\":{\"kind\":\"malformed\""));
    assert!(answers[1].contains("\"id\":0") && answers[1].contains("malformed"), "{}", answers[1]);
    assert_eq!(
        answers[2],
        r#"{"v":2,"id":9,"body":{"type":"error","error":{"kind":"version","spoken":2,"received":3}}}"#
    );
    assert!(worker_stats(&bench.config.socket).await.unwrap().is_some());
}

async fn stopped_worker(bench: Bench) {
    assert_eq!(worker_stats(&bench.config.socket).await.unwrap(), None);
    assert!(LocalProvider::new(bench.config.clone(), "none").count_tokens("x").await.is_err());
    assert!(stop_worker(&bench.config.socket).await.unwrap());
    assert!(!bench.config.socket.exists());
    assert!(!stop_worker(&bench.config.socket).await.unwrap());
}

async fn idle_worker(mut bench: Bench) {
    bench.config.idle_exit = Duration::from_secs(1);
    assert!(LocalProvider::new(bench.config.clone(), "none").count_tokens("x").await.is_err());
    assert!(bench.config.socket.exists());
    wait_until("the worker ends", async || !bench.config.socket.exists()).await;
}

async fn streams_text(bench: Bench) {
    let prompt = chat("Write a Python function that adds two numbers.");
    let mut stream = bench.provider().complete(request(prompt, Sampling::greedy(20))).await.unwrap();
    let mut n_texts = 0;
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        let event = event.unwrap();
        n_texts += usize::from(matches!(event, Event::Text { candidate: 0, .. }));
        events.push(event);
    }
    assert!(n_texts > 5, "{events:?}");
    let [.., Event::Stopped { reason, mean_logprob, .. }, Event::Finished(usage)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(*reason, StopReason::MaxTokens);
    assert!(*mean_logprob < 0.0 && *mean_logprob > -3.0, "{mean_logprob}");
    assert_eq!((usage.cached_tokens, usage.completion_tokens), (0, 20));
}

async fn fills_a_hole(bench: Bench) {
    let provider = bench.provider();
    for order in [FimOrder::SuffixFirst, FimOrder::PrefixFirst] {
        let prompt = Prompt::FillInTheMiddle {
            prefix: "def add(a, b):\n    \"\"\"Return the sum of a and b.\"\"\"\n    ret".to_owned(),
            suffix: "\n\n\nprint(add(1, 2))\n".to_owned(),
            order,
        };
        let sampling = Sampling { stop: vec!["\n".to_owned()], ..Sampling::greedy(20) };
        let completions = complete(&provider, request(prompt, sampling)).await;
        assert_eq!(completions[0].text, "urn a + b", "{order:?}");
    }
}

async fn writes_candidates(bench: Bench) {
    let provider = bench.provider();
    let prompt = chat("Write one short sentence about the sea.");
    let stream = provider.complete(request(prompt.clone(), sampled(4, 12))).await.unwrap();
    let (completions, usage) = collect(stream).await.unwrap();
    let greedy = complete(&provider, request(prompt, Sampling::greedy(12))).await;
    assert_eq!(completions.len(), 4);
    assert!(completions[1..].iter().any(|completion| completion.text != completions[0].text), "{completions:?}");
    assert!(shared_chars(&completions[0].text, &greedy[0].text) > 8, "{completions:?} {greedy:?}");
    let stats = provider.stats().await.unwrap().unwrap();
    assert_eq!(stats.models[0].prompt_tokens, usage.prompt_tokens + 1, "the second request reads its last token only");
}

/// Returns how many characters two texts have in common at their beginning. A greedy text may part from another in a
/// near tie, because steps of one and of four tokens round differently.
fn shared_chars(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count()
}

async fn writes_many_candidates(bench: Bench) {
    let completions = complete(&bench.provider(), request(chat("Name a color."), sampled(15, 3))).await;
    assert_eq!(completions.len(), 15);
    assert!(completions.iter().all(|completion| !completion.text.is_empty()), "{completions:?}");
}

async fn repeats_itself(bench: Bench) {
    let provider = bench.provider();
    for n_candidates in [1, 3] {
        let ask = || request(chat("Write a haiku about compilers."), sampled(n_candidates, 16));
        let cold = complete(&provider, ask()).await;
        let warm = complete(&provider, ask()).await;
        assert_eq!(cold, warm);
        let other = Request { sampling: Sampling { seed: 7, ..sampled(n_candidates, 16) }, ..ask() };
        assert_ne!(complete(&provider, other).await, cold);
    }
}

async fn stops_when_dropped(bench: Bench) {
    let provider = bench.provider();
    let mut stream = provider.complete(request(chat("Count from 1 to 1000."), Sampling::greedy(1500))).await.unwrap();
    first_event(&mut stream).await;
    drop(stream);
    let dropped = Instant::now();
    wait_until("the worker is free", async || provider.stats().await.unwrap().unwrap().n_requests == 0).await;
    assert!(dropped.elapsed() < Duration::from_secs(1), "{:?}", dropped.elapsed());
}

async fn keystroke_overtakes(bench: Bench) {
    let provider = bench.provider();
    provider.count_tokens("load the model").await.unwrap();
    let long = Prompt::Raw { text: "def f(x):\n    return x + 1\n\n".repeat(60) };
    let background = Request::new(long, Sampling::greedy(4), Priority::Background);
    let background_provider = provider.clone();
    let slow = tokio::spawn(async move { complete(&background_provider, background).await });
    wait_until("the long prompt is read", async || {
        provider.stats().await.unwrap().unwrap().models.first().is_some_and(|model| model.prompt_tokens > 0)
    })
    .await;
    let keystroke = Request {
        priority: Priority::Keystroke,
        ..request(Prompt::Raw { text: "import nu".to_owned() }, Sampling::greedy(2))
    };
    let completions = complete(&provider, keystroke).await;
    assert!(!slow.is_finished(), "the keystroke waited for the long prompt");
    assert!(completions[0].text.starts_with("mpy"), "{completions:?}");
    assert_eq!(slow.await.unwrap().len(), 1);
}

/// Returns a prompt of about `n_lines` times 12 tokens.
fn long_prompt(name: &str, n_lines: usize) -> Prompt {
    let lines: Vec<String> = (0..n_lines).map(|idx| format!("{name}_{idx} = compute({idx}, \"{name}\")\n")).collect();
    Prompt::Raw { text: lines.concat() }
}

async fn reads_without_writing(bench: Bench) {
    let (provider, prompt) = (bench.provider(), long_prompt("value", 20));
    let cost = async || provider.cost(&prompt).await.unwrap();
    assert_eq!(cost().await, PromptCost::estimate(&prompt), "no worker runs, and none is started");
    assert!(!bench.config.socket.exists());
    let read = async |max_tokens| {
        let request = Request::new(prompt.clone(), Sampling::greedy(max_tokens), Priority::Background);
        collect(provider.complete(request).await.unwrap()).await.unwrap()
    };
    let (completions, usage) = read(0).await;
    assert_eq!((completions.len(), usage.cached_tokens, usage.completion_tokens), (0, 0, 0));
    let n_tokens = usage.prompt_tokens as usize;
    assert!(n_tokens > 200, "{n_tokens}");
    assert_eq!(cost().await, PromptCost { n_tokens, n_cached: n_tokens - 1 });
    assert_eq!(read(0).await.1.cached_tokens, usage.prompt_tokens - 1);
    let (completions, warm) = read(3).await;
    assert_eq!((warm.prompt_tokens, warm.cached_tokens), (usage.prompt_tokens, usage.prompt_tokens - 1));
    assert!(!completions[0].text.is_empty());
    let stats = provider.stats().await.unwrap().unwrap();
    assert_eq!(stats.models[0].prompt_tokens, usage.prompt_tokens, "everything was read once");
    does_not_read_on_what_was_read_meanwhile(&provider, stats.models[0].prompt_tokens).await;
}

async fn does_not_read_on_what_was_read_meanwhile(provider: &LocalProvider, n_before: u64) {
    let n_read = async || provider.stats().await.unwrap().unwrap().models[0].prompt_tokens - n_before;
    let read = |priority| {
        let (provider, prompt) = (provider.clone(), long_prompt("other", 30));
        async move {
            let request = Request::new(prompt, Sampling::greedy(0), priority);
            collect(provider.complete(request).await.unwrap()).await.unwrap().1
        }
    };
    let slow = tokio::spawn(read(Priority::Background));
    wait_until("the background reading has begun", async || n_read().await > 0).await;
    let urgent = read(Priority::Keystroke).await;
    slow.await.unwrap();
    assert!(n_read().await < urgent.prompt_tokens + 64, "{} for {urgent:?}", n_read().await);
}

async fn remembers_a_repository(bench: Bench) {
    let (provider, prompt) = (bench.provider(), long_prompt("value", 20));
    let ask = async |scope: &str| {
        let request = request(prompt.clone(), Sampling::greedy(8)).in_scope(scope);
        let (mut completions, usage) = collect(provider.complete(request).await.unwrap()).await.unwrap();
        (completions.remove(0).text, usage)
    };
    let (cold_text, cold) = ask("one").await;
    assert_eq!(cold.cached_tokens, 0);
    assert!(stop_worker(&bench.config.socket).await.unwrap());
    assert_eq!(ask("other").await.1.cached_tokens, 0, "what was read for another repository is not shown to this one");
    assert!(stop_worker(&bench.config.socket).await.unwrap());
    let (warm_text, warm) = ask("one").await;
    assert_eq!((warm.cached_tokens, warm_text), (cold.prompt_tokens - 1, cold_text));
}

async fn is_shared_fairly(bench: Bench) {
    let provider = bench.provider();
    provider.count_tokens("load the model").await.unwrap();
    let started = Instant::now();
    let read = |client, name| {
        let provider = provider.clone();
        async move {
            let request = Request::new(long_prompt(name, 12), Sampling::greedy(0), Priority::Keystroke);
            let asked = provider.complete(request.from_client(ClientId(client))).await.unwrap();
            collect(asked).await.unwrap();
            started.elapsed()
        }
    };
    let (a, b, c, other) = tokio::join!(read(1, "a"), read(1, "b"), read(1, "c"), read(2, "other"));
    let n_sooner = [a, b, c].into_iter().filter(|&time| time < other).count();
    assert!(n_sooner <= 1, "{a:?} {b:?} {c:?} of one client, {other:?} of the other");
}

async fn survives_a_kill(bench: Bench) {
    let provider = bench.provider();
    let mut stream = provider.complete(request(chat("Count from 1 to 1000."), Sampling::greedy(1500))).await.unwrap();
    first_event(&mut stream).await;
    kill(provider.stats().await.unwrap().unwrap().pid);
    let error = loop {
        match stream.next().await.unwrap() {
            Ok(event) => assert!(matches!(event, Event::Read(_) | Event::Text { .. })),
            Err(error) => break error,
        }
    };
    let expected = format!("answer of \"local:{MODEL}\" broke off: the model worker ended");
    assert_eq!(error.to_string(), expected);
    assert!(stream.next().await.is_none());
    let completions = complete(&provider, request(chat("Say hello."), Sampling::greedy(3))).await;
    assert!(!completions[0].text.is_empty());
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid.try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

async fn refuses_too_much(bench: Bench) {
    let provider = bench.provider();
    let text = "x ".repeat(2000);
    let n_tokens = provider.count_tokens(&text).await.unwrap();
    let error = provider.complete(request(Prompt::Raw { text }, Sampling::greedy(100))).await.err().unwrap();
    let ProviderError::ContextExceeded { prompt_tokens, max_tokens, context_window, .. } = error else {
        panic!("{error}")
    };
    // The blank at the end is left to the model, see token healing.
    assert_eq!((prompt_tokens, max_tokens, context_window), (n_tokens - 1, 100, 2048));
}

async fn prefers_the_right_variant(bench: Bench) {
    let body = |condition: &str| format!("def larger(a, b):\n    if {condition}:\n        return a\n    return b\n");
    let alternatives = Alternatives {
        context: "# Return the larger of a and b.\n".to_owned(),
        original: body("a < b"),
        variants: ["a > b", "a % b", "a < b", "a"].map(body).to_vec(),
    };
    let scores = bench.provider().rank(alternatives.clone()).await.unwrap();
    assert!(scores[0] > 1.0 && scores[1] < -1.0 && scores[2] == 0.0, "{scores:?}");
    let again = bench.provider().rank(alternatives).await.unwrap();
    let is_close = scores.iter().zip(&again).all(|(a, b)| (a - b).abs() < 0.2);
    assert!(is_close, "{scores:?} {again:?}");
}

async fn serves_two_clients(bench: Bench) {
    let (a, b) = (bench.provider(), bench.provider());
    let ask = |text: &str| request(chat(text), Sampling::greedy(10));
    let (from_a, from_b) = tokio::join!(
        complete(&a, ask("What is the capital of France?")),
        complete(&b, ask("What is the capital of Italy?"))
    );
    assert!(from_a[0].text.contains("Paris") && from_b[0].text.contains("Rome"), "{from_a:?} {from_b:?}");
    let (stats_a, stats_b) = (a.stats().await.unwrap().unwrap(), b.stats().await.unwrap().unwrap());
    assert_eq!(stats_a.pid, stats_b.pid);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&bench.config.socket), 0o600);
    assert_eq!(mode(bench.config.socket.parent().unwrap()), 0o700);
}

async fn reads_markers_as_text(bench: Bench) {
    let provider = bench.provider();
    assert!(provider.count_tokens("<|im_start|>").await.unwrap() > 1);
    let prompt = chat("Repeat exactly: <|im_end|>");
    let (completions, usage) =
        collect(provider.complete(request(prompt, Sampling::greedy(10))).await.unwrap()).await.unwrap();
    // System text and two turns take 31 tokens with their markers; the marker in the message is six more.
    assert!(usage.prompt_tokens > 36, "{usage:?}");
    assert!(completions[0].text.contains("<|im_end|>"), "{completions:?}");
}

/// Waits until a condition holds, for 10 seconds at most.
async fn wait_until(what: &str, holds: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < Duration::from_secs(10), "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
