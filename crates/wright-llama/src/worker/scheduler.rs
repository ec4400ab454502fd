//! The one loop that owns the models: takes requests in, decides what the next decode does, and deals out its results.
//!
//! A step serves the most urgent requests only; requests of the same urgency for the same model share a decode. A long
//! prompt is read in small parts, and a decode that runs is interrupted when something more urgent arrives or when its
//! own request is cancelled, so nobody waits for work that is not theirs.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use wright_provider::{Priority, Sampling, StopReason};

use super::WorkerConfig;
use super::costs::Costs;
use super::fair::{Writer, deal_room, take_turns};
use super::fim::FimSupport;
use super::job::{Candidate, Goal, Job, JobKey, Lane, Plan, Reply, Run, Work};
use super::llama::{BatchToken, Decoded, MAX_BATCH};
use super::loaded::{LoadOptions, Loaded};
use super::model::{Model, Token};
use super::prompt;
use super::rank::Comparison;
use crate::catalogue;
use crate::models::{ModelError, ModelFolder};
use crate::protocol::{Answer, WireError, WireStats};

/// How many models are in memory at most.
const MAX_LOADED: usize = 2;

/// How many candidates a request may have.
const MAX_CANDIDATES: usize = 1024;

/// How many tokens of prompts share a decode with candidates that are being written, which wait for all of it.
const MIXED_READ_TOKENS: usize = 16;

/// How long nothing happens before what was read is saved.
const QUIET: Duration = Duration::from_secs(3);

/// How often an idle worker looks whether it is time to unload or to end.
const IDLE_TICK: Duration = Duration::from_millis(500);

/// Everything that can happen to the scheduler from outside.
pub(super) enum Command {
    /// A request arrived.
    Submit(Box<Job>),
    /// A client no longer wants an answer.
    Cancel(JobKey),
    /// A connection closed, and with it all of its requests.
    Disconnect(u64),
    /// A client wants to know what the worker is doing.
    Stats(Reply),
    /// A model was loaded, or could not be.
    Loaded(Box<LoadResult>),
    /// The worker is to end.
    Shutdown,
}

/// What became of loading a model.
pub(super) struct LoadResult {
    id: String,
    loaded: Result<Loaded, String>,
}

/// The way to a scheduler, for the threads that read from connections.
#[derive(Clone)]
pub(super) struct Mailbox {
    commands: Sender<Command>,
    shared: Arc<Shared>,
}

/// What the scheduler and the connections both see.
#[derive(Default)]
pub(super) struct Shared {
    /// Commands that were sent and not yet taken.
    n_pending: AtomicUsize,
    /// Makes the running decode stop.
    interrupt: Arc<AtomicBool>,
    /// The urgency of the running decode plus one; 0 while none runs.
    running: AtomicU8,
    /// The requests in the running decode.
    running_jobs: Mutex<Vec<JobKey>>,
    /// Open connections.
    pub(super) n_connections: AtomicUsize,
    /// What prompts would cost now.
    pub(super) costs: Costs,
}

impl Mailbox {
    /// Returns the way to the scheduler that receives from the other end of `commands`.
    pub(super) fn new(commands: Sender<Command>, shared: Arc<Shared>) -> Self {
        Self { commands, shared }
    }

    /// Returns what is shared with the scheduler.
    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Sends a command, and interrupts the running decode when the command makes it pointless or less urgent. A
    /// scheduler that has ended takes no commands, and nobody needs it to.
    pub(super) fn send(&self, command: Command) {
        let interrupts = self.shared.is_interrupted_by(&command);
        self.shared.n_pending.fetch_add(1, Ordering::SeqCst);
        if self.commands.send(command).is_ok() && interrupts {
            self.shared.interrupt.store(true, Ordering::SeqCst);
        }
    }
}

impl Shared {
    fn is_interrupted_by(&self, command: &Command) -> bool {
        let running = self.running.load(Ordering::SeqCst);
        let is_running = |matches: &dyn Fn(&JobKey) -> bool| {
            self.running_jobs.lock().unwrap_or_else(PoisonError::into_inner).iter().any(matches)
        };
        match command {
            Command::Submit(job) => running != 0 && urgency(job.priority) > running,
            Command::Cancel(key) => is_running(&|running| running == key),
            Command::Disconnect(connection) => is_running(&|running| running.connection == *connection),
            Command::Stats(_) | Command::Loaded(_) => false,
            Command::Shutdown => true,
        }
    }
}

fn urgency(priority: Priority) -> u8 {
    match priority {
        Priority::Background => 1,
        Priority::Chat => 2,
        Priority::Keystroke => 3,
    }
}

/// The loop's state.
pub(super) struct Scheduler {
    config: WorkerConfig,
    folder: ModelFolder,
    commands: Receiver<Command>,
    mailbox: Mailbox,
    shared: Arc<Shared>,
    models: Vec<Loaded>,
    /// Models that a thread is loading.
    loading: Vec<String>,
    /// In the order of arrival.
    jobs: Vec<Job>,
    last_active: Instant,
    /// The model of the last decode, so that requests of the same urgency for two models take turns.
    last_model: String,
    /// Decodes so far.
    n_steps: u64,
    /// Threads that save what was read.
    savers: Vec<JoinHandle<()>>,
}

/// Whether the loop goes on.
#[derive(PartialEq, Eq)]
enum Flow {
    Continue,
    End,
}

/// One decode and what its logits are for.
#[derive(Default)]
struct Step {
    tokens: Vec<BatchToken>,
    jobs: Vec<JobKey>,
    /// Per request that reads: how many tokens.
    reads: Vec<(JobKey, usize)>,
    /// Per logits: the index in `tokens`, the request, and whose they are.
    outputs: Vec<(usize, JobKey, Output)>,
}

/// Whose logits.
enum Output {
    /// After the prompt token at this position.
    Prompt(usize),
    /// Of the candidate with this number.
    Candidate(u32),
}

impl Scheduler {
    /// Returns a scheduler without models.
    pub(super) fn new(config: WorkerConfig, commands: Receiver<Command>, mailbox: Mailbox) -> Self {
        Self {
            folder: ModelFolder::new(&config.models),
            config,
            commands,
            shared: Arc::clone(&mailbox.shared),
            mailbox,
            models: Vec::new(),
            loading: Vec::new(),
            jobs: Vec::new(),
            last_active: Instant::now(),
            last_model: String::new(),
            n_steps: 0,
            savers: Vec::new(),
        }
    }

    /// Serves until it is told to end or was idle for long enough, and saves what was read.
    pub(super) fn run(mut self) {
        self.serve();
        self.save_states();
        for saver in self.savers {
            let _ = saver.join();
        }
    }

    fn serve(&mut self) {
        loop {
            self.shared.interrupt.store(false, Ordering::SeqCst);
            if self.take_commands() == Flow::End {
                return;
            }
            self.admit();
            match self.next_step() {
                Some((model_idx, priority, step)) => self.perform(model_idx, priority, &step),
                None if self.jobs.is_empty() || !self.loading.is_empty() => {
                    if self.wait() == Flow::End {
                        return;
                    }
                }
                // Every waiting request needs something a running one holds; without a running one there is nothing to
                // wait for.
                None => self.fail_stuck(),
            }
        }
    }

    /// Takes the commands that have arrived.
    fn take_commands(&mut self) -> Flow {
        while let Ok(command) = self.commands.try_recv() {
            if self.handle(command) == Flow::End {
                return Flow::End;
            }
        }
        Flow::Continue
    }

    /// Waits for a command, and does what an idle worker does meanwhile.
    fn wait(&mut self) -> Flow {
        match self.commands.recv_timeout(IDLE_TICK) {
            Ok(command) => self.handle(command),
            Err(RecvTimeoutError::Timeout) => self.rest(),
            Err(RecvTimeoutError::Disconnected) => Flow::End,
        }
    }

    fn handle(&mut self, command: Command) -> Flow {
        self.shared.n_pending.fetch_sub(1, Ordering::SeqCst);
        self.last_active = Instant::now();
        match command {
            Command::Submit(job) => self.take_job(*job),
            Command::Cancel(key) => self.drop_jobs(|job| job.key == key),
            Command::Disconnect(connection) => self.drop_jobs(|job| job.key.connection == connection),
            Command::Loaded(result) => self.take_model(*result),
            Command::Stats(reply) => reply.send(Answer::Stats(self.stats())),
            Command::Shutdown => return Flow::End,
        }
        Flow::Continue
    }

    /// Queues a request, unless its connection already has one with the same id: answers could not be told apart.
    fn take_job(&mut self, job: Job) {
        if self.jobs.iter().any(|other| other.key == job.key) {
            return job.reply.fail(WireError::Malformed { message: format!("id {} is in use", job.key.id) });
        }
        self.jobs.push(job);
    }

    /// Saves what was read, unloads models that were not used for long, and ends a worker that nobody needs.
    fn rest(&mut self) -> Flow {
        if self.last_active.elapsed() >= QUIET {
            self.save_states();
        }
        let limit = self.config.idle_unload();
        while let Some(idx) = self.models.iter().position(|model| model.last_used.elapsed() >= limit) {
            self.unload(idx);
        }
        let is_alone = self.shared.n_connections.load(Ordering::SeqCst) == 0;
        if is_alone && self.last_active.elapsed() >= self.config.idle_exit() { Flow::End } else { Flow::Continue }
    }

    fn save_states(&mut self) {
        self.savers.retain(|saver| !saver.is_finished());
        for model in &mut self.models {
            self.savers.extend(model.save());
        }
    }

    fn stats(&self) -> WireStats {
        WireStats {
            pid: std::process::id(),
            n_requests: self.jobs.len(),
            models: self.models.iter().map(Loaded::stats).collect(),
        }
    }

    /// Gives requests that wait what they need to run, the most urgent first.
    fn admit(&mut self) {
        let mut waiting: Vec<usize> = (0..self.jobs.len()).filter(|&idx| self.jobs[idx].run.is_none()).collect();
        waiting.sort_by_key(|&idx| std::cmp::Reverse(self.jobs[idx].priority));
        let mut finished = Vec::new();
        for idx in waiting {
            // A less urgent request must not take what the next keystroke may need, nor cost time now.
            let is_overtaken = self.jobs.iter().any(|job| job.run.is_some() && job.priority > self.jobs[idx].priority);
            if !is_overtaken && self.admit_one(idx) == Admission::Over {
                finished.push(self.jobs[idx].key);
            }
        }
        self.jobs.retain(|job| !finished.contains(&job.key));
    }

    fn admit_one(&mut self, job_idx: usize) -> Admission {
        let model_idx = match self.model_for(job_idx) {
            Ok(Some(model_idx)) => model_idx,
            Ok(None) => return Admission::Waiting,
            Err(error) => {
                self.jobs[job_idx].reply.fail(error);
                return Admission::Over;
            }
        };
        let (job, loaded) = (&mut self.jobs[job_idx], &mut self.models[model_idx]);
        loaded.last_used = Instant::now();
        if job.plan.is_none() {
            match plan(loaded, &job.work) {
                Ok(Planned::Plan(plan)) => job.plan = Some(plan),
                Ok(Planned::Answer(answers)) => {
                    answers.into_iter().for_each(|answer| job.reply.send(answer));
                    return Admission::Over;
                }
                Err(error) => {
                    job.reply.fail(error);
                    return Admission::Over;
                }
            }
        }
        begin(loaded, job)
    }

    /// Returns the model of a request; `None` while it is being loaded, or there is no room for it.
    fn model_for(&mut self, job_idx: usize) -> Result<Option<usize>, WireError> {
        let id = &self.jobs[job_idx].model;
        if let Some(idx) = self.models.iter().position(|model| model.id == *id) {
            return Ok(Some(idx));
        }
        if self.loading.contains(id) {
            return Ok(None);
        }
        let path = self.folder.weights_of(id).map_err(|error| match error {
            ModelError::Missing { .. } => WireError::ModelMissing,
            error @ (ModelError::WrongSize { .. }
            | ModelError::WrongHash { .. }
            | ModelError::NotGguf { .. }
            | ModelError::Io { .. }) => WireError::ModelUnusable { message: error.to_string() },
        })?;
        let id = id.clone();
        let n_needed = catalogue::find(&id).map_or_else(
            || std::fs::metadata(&path).map_or(0, |metadata| metadata.len() * 2),
            |model| model.memory_bytes,
        );
        while self.models.len() + self.loading.len() >= MAX_LOADED
            || !self.models.is_empty() && available_memory() < n_needed
        {
            let Some(idle) = self.least_recently_used_model() else { return Ok(None) };
            self.unload(idle);
        }
        self.start_loading(id, path).map_err(|error| WireError::Failed { message: error.to_string() })?;
        Ok(None)
    }

    /// Loads a model on a thread of its own, so that requests for other models are served meanwhile.
    fn start_loading(&mut self, id: String, path: PathBuf) -> io::Result<()> {
        let (mailbox, interrupt) = (self.mailbox.clone(), Arc::clone(&self.shared.interrupt));
        let options = LoadOptions {
            context_tokens: self.config.context_tokens,
            n_threads: self.config.threads,
            states: self.config.states.clone(),
        };
        let loading = id.clone();
        std::thread::Builder::new().name("loader".to_owned()).spawn(move || {
            let loaded = Loaded::load(&id, &path, &options, interrupt);
            mailbox.send(Command::Loaded(Box::new(LoadResult { id, loaded })));
        })?;
        self.loading.push(loading);
        Ok(())
    }

    /// Takes a model that was loaded, or tells those who wait for it why it was not.
    fn take_model(&mut self, LoadResult { id, loaded }: LoadResult) {
        self.loading.retain(|loading| *loading != id);
        match loaded {
            Ok(loaded) => {
                self.shared.costs.publish(&id, &loaded.model, &loaded.slots);
                self.models.push(loaded);
            }
            Err(message) => {
                let message = format!("cannot load model {id:?}: {message}");
                for job in self.jobs.iter().filter(|job| job.model == id) {
                    job.reply.fail(WireError::ModelUnusable { message: message.clone() });
                }
                self.jobs.retain(|job| job.model != id);
            }
        }
    }

    /// Removes a model from the memory.
    fn unload(&mut self, model_idx: usize) {
        let mut loaded = self.models.remove(model_idx);
        self.shared.costs.withdraw(&loaded.id);
        self.savers.extend(loaded.save());
    }

    /// Returns the model without running requests that was not used for the longest time.
    fn least_recently_used_model(&self) -> Option<usize> {
        (0..self.models.len())
            .filter(|&idx| !self.jobs.iter().any(|job| job.run.is_some() && job.model == self.models[idx].id))
            .min_by_key(|&idx| self.models[idx].last_used)
    }

    /// Decides what the next decode does: the most urgent running requests of one model.
    fn next_step(&mut self) -> Option<(usize, Priority, Step)> {
        let priority = self.jobs.iter().filter(|job| job.run.is_some()).map(|job| job.priority).max()?;
        let is_candidate = |job: &&Job| job.run.is_some() && job.priority == priority;
        let first = self
            .jobs
            .iter()
            .filter(is_candidate)
            .find(|job| job.model != self.last_model)
            .or_else(|| self.jobs.iter().find(is_candidate))?;
        let id = first.model.clone();
        let model_idx = self.models.iter().position(|model| model.id == id)?;
        let jobs: Vec<&Job> = self.jobs.iter().filter(is_candidate).filter(|job| job.model == id).collect();
        let mut step = Step::default();
        add_writing(&mut step, &jobs);
        let is_mixed = !step.tokens.is_empty();
        let room = if is_mixed { MIXED_READ_TOKENS } else { self.config.prefill_tokens };
        let room = room.clamp(1, MAX_BATCH - step.tokens.len());
        let wants: Vec<_> = jobs.iter().map(|job| (job.owner.client, n_to_read(job))).collect();
        for (job, n_tokens) in jobs.iter().zip(deal_room(room, &wants, self.n_steps)) {
            add_reading(&mut step, job, n_tokens);
        }
        self.last_model = id;
        self.n_steps += 1;
        Some((model_idx, priority, step))
    }

    /// Runs a decode and deals out its results.
    fn perform(&mut self, model_idx: usize, priority: Priority, step: &Step) {
        self.announce(urgency(priority), &step.jobs);
        // A command that arrived before the announcement did not know what to interrupt.
        let has_news = self.shared.n_pending.load(Ordering::SeqCst) > 0;
        let started = Instant::now();
        let decoded = if has_news { Decoded::Interrupted } else { self.models[model_idx].decode(&step.tokens) };
        self.announce(0, &[]);
        match decoded {
            Decoded::Done => {
                count(&mut self.models[model_idx], step, started.elapsed());
                self.note_reads(model_idx, step);
                self.deal_out(model_idx, step);
                self.finish_readings();
            }
            Decoded::Interrupted => {}
            Decoded::NoRoom => self.fail_jobs(&step.jobs, "the model's cache is full"),
            Decoded::Failed(code) => {
                self.fail_jobs(&step.jobs, &format!("the engine failed with code {code}"));
                self.discard_model(model_idx);
            }
        }
    }

    fn announce(&self, urgency: u8, jobs: &[JobKey]) {
        jobs.clone_into(&mut self.shared.running_jobs.lock().unwrap_or_else(PoisonError::into_inner));
        self.shared.running.store(urgency, Ordering::SeqCst);
    }

    /// Notes what a decode has put into the cache.
    fn note_reads(&mut self, model_idx: usize, step: &Step) {
        let loaded = &mut self.models[model_idx];
        loaded.last_used = Instant::now();
        for &(key, n_tokens) in &step.reads {
            let Some(job) = self.jobs.iter_mut().find(|job| job.key == key) else { continue };
            let (Some(plan), Some(run)) = (&job.plan, &mut job.run) else { continue };
            loaded.slots().extend(run.slot, &plan.tokens[run.n_read..run.n_read + n_tokens]);
            run.n_read += n_tokens;
        }
    }

    /// Ends the requests that wanted nothing but to be read, and are: by their own reading, or by a more urgent one that
    /// overtook it.
    fn finish_readings(&mut self) {
        let mut finished = Vec::new();
        for job in &self.jobs {
            let (Some(Plan { tokens, goal: Goal::Read, .. }), Some(run)) = (&job.plan, &job.run) else { continue };
            let Some(loaded) = self.models.iter().find(|model| model.id == job.model) else { continue };
            if run.n_read == tokens.len() || loaded.slots().n_shared(tokens) == tokens.len() {
                job.reply.send(nothing_written(tokens.len() + 1, run.n_cached));
                finished.push(job.key);
            }
        }
        self.drop_jobs(|job| finished.contains(&job.key));
    }

    /// Gives the logits of a decode to whom they are for.
    fn deal_out(&mut self, model_idx: usize, step: &Step) {
        let mut finished = Vec::new();
        for (batch_idx, key, output) in &step.outputs {
            let loaded = &mut self.models[model_idx];
            let Some(job) = self.jobs.iter_mut().find(|job| job.key == *key) else { continue };
            if let Output::Candidate(candidate) = output {
                note_turn(job, *candidate, self.n_steps);
            }
            let logits = loaded.llama.logits(*batch_idx).to_vec();
            let is_over = match output {
                Output::Prompt(position) => see_prompt(loaded, job, *position, logits),
                Output::Candidate(candidate) => see_candidate(loaded, job, *candidate, &logits),
            };
            if is_over {
                finished.push(*key);
            }
        }
        for key in finished {
            self.drop_jobs(|job| job.key == key);
        }
    }

    /// Ends requests with an error.
    fn fail_jobs(&mut self, keys: &[JobKey], message: &str) {
        for job in self.jobs.iter().filter(|job| keys.contains(&job.key)) {
            job.reply.fail(WireError::Failed { message: message.to_owned() });
        }
        self.drop_jobs(|job| keys.contains(&job.key));
    }

    /// Ends requests that wait for something that will not come.
    fn fail_stuck(&mut self) {
        let keys: Vec<JobKey> = self.jobs.iter().filter(|job| job.run.is_none()).map(|job| job.key).collect();
        self.fail_jobs(&keys, "the model worker has no room for the request");
    }

    /// Removes requests and gives back what they held.
    fn drop_jobs(&mut self, is_over: impl Fn(&Job) -> bool) {
        let (over, kept): (Vec<Job>, Vec<Job>) = std::mem::take(&mut self.jobs).into_iter().partition(is_over);
        self.jobs = kept;
        for job in over {
            if let Some(loaded) = self.models.iter_mut().find(|model| model.id == job.model) {
                give_back(loaded, job);
            }
        }
    }

    /// Drops a model whose cache cannot be trusted any more. The next request loads it again.
    fn discard_model(&mut self, model_idx: usize) {
        let id = self.models[model_idx].id.clone();
        let keys: Vec<JobKey> =
            self.jobs.iter().filter(|job| job.run.is_some() && job.model == id).map(|job| job.key).collect();
        self.fail_jobs(&keys, "the model had to be loaded again");
        self.shared.costs.withdraw(&id);
        self.models.remove(model_idx);
    }
}

/// What became of a request that wanted to run.
#[derive(PartialEq, Eq)]
enum Admission {
    Running,
    Waiting,
    Over,
}

/// What a request turned out to be.
enum Planned {
    /// It has to be read.
    Plan(Plan),
    /// It could be answered without.
    Answer(Vec<Answer>),
}

/// Works out what a request needs.
fn plan(loaded: &Loaded, work: &Work) -> Result<Planned, WireError> {
    match work {
        Work::Complete { prompt, sampling } => plan_completion(loaded, prompt, sampling),
        Work::Rank { context, original, variants } => plan_comparison(loaded, context, original, variants),
        Work::CountTokens { text } => {
            Ok(Planned::Answer(vec![Answer::Counted { tokens: loaded.model.tokenize(text).len() }]))
        }
    }
}

fn plan_completion(
    loaded: &Loaded,
    prompt: &wright_provider::Prompt,
    sampling: &Sampling,
) -> Result<Planned, WireError> {
    let prompt::PromptTokens { mut tokens, healing } = prompt::tokens_of(&loaded.model, prompt)?;
    let (n_prompt, max_tokens) = (tokens.len(), sampling.max_tokens as usize);
    check_fits(loaded, n_prompt, max_tokens)?;
    let n_candidates = sampling.n_candidates.max(1) as usize;
    if n_candidates > MAX_CANDIDATES {
        let message = format!("{n_candidates} candidates are asked for, and at most {MAX_CANDIDATES} are written");
        return Err(WireError::Malformed { message });
    }
    if max_tokens == 0 {
        tokens.pop();
        if loaded.slots().touch(&tokens) {
            return Ok(Planned::Answer(vec![nothing_written(n_prompt, tokens.len())]));
        }
        let (max_reuse, n_cells) = (tokens.len(), tokens.len());
        return Ok(Planned::Plan(Plan { tokens, max_reuse, n_cells, n_parallel: 0, goal: Goal::Read }));
    }
    let n_that_fit = (loaded.context_window - n_prompt) / max_tokens;
    let n_parallel = n_candidates.min(n_that_fit).min(max_parallel());
    Ok(Planned::Plan(Plan {
        max_reuse: n_prompt - 1,
        n_cells: n_prompt + n_parallel * max_tokens,
        n_parallel,
        tokens,
        goal: Goal::Write { healing },
    }))
}

/// Returns how many candidates of one request are written at a time. Half of the lanes stay free for other requests.
fn max_parallel() -> usize {
    (super::llama::MAX_SEQUENCES - super::loaded::N_SLOTS) / 2
}

/// Returns the answer to a request that only wanted its prompt to be read.
fn nothing_written(n_prompt: usize, n_cached: usize) -> Answer {
    Answer::Finished { prompt_tokens: n_prompt as u64, cached_tokens: n_cached as u64, completion_tokens: 0 }
}

fn plan_comparison(loaded: &Loaded, context: &str, original: &str, variants: &[String]) -> Result<Planned, WireError> {
    let model: &Model = &loaded.model;
    // Whoever ranks edits of a text asks to fill holes in it next. Beginning as those prompts do lets them reuse the cells.
    let mut context_tokens: Vec<Token> = model.start_of_text().into_iter().collect();
    if let FimSupport::Markers(markers) = model.fim() {
        context_tokens.push(markers.prefix);
    }
    context_tokens.extend(model.tokenize(context));
    if context_tokens.is_empty() {
        context_tokens.push(model.end_of_text());
    }
    let variants: Vec<Vec<Token>> = variants.iter().map(|variant| model.tokenize(variant)).collect();
    let comparison = Comparison::new(&context_tokens, &model.tokenize(original), &variants, model.end_of_text());
    if comparison.tokens.is_empty() {
        return Ok(Planned::Answer(vec![Answer::Ranked { scores: comparison.scores }]));
    }
    check_fits(loaded, comparison.tokens.len(), 0)?;
    Ok(Planned::Plan(Plan {
        tokens: comparison.tokens.clone(),
        max_reuse: comparison.max_reuse(),
        n_cells: comparison.tokens.len(),
        n_parallel: 0,
        goal: Goal::Compare(comparison),
    }))
}

/// Refuses what is larger than the context, with the numbers.
fn check_fits(loaded: &Loaded, prompt_tokens: usize, max_tokens: usize) -> Result<(), WireError> {
    let context_window = loaded.context_window;
    if prompt_tokens + max_tokens > context_window {
        return Err(WireError::ContextExceeded { prompt_tokens, max_tokens, context_window });
    }
    Ok(())
}

/// Gives a request its cells, lanes and slot, when they are free.
fn begin(loaded: &mut Loaded, job: &mut Job) -> Admission {
    let Some(plan) = &job.plan else { return Admission::Waiting };
    let n_extra_lanes = plan.n_parallel.saturating_sub(1);
    let n_cells = match job.priority {
        Priority::Keystroke => loaded.context_window + loaded.n_keystroke_cells,
        Priority::Background | Priority::Chat => loaded.context_window,
    };
    if loaded.n_reserved + plan.n_cells > n_cells || loaded.free_lanes.len() < n_extra_lanes {
        return Admission::Waiting;
    }
    loaded.restore(&plan.tokens[..plan.max_reuse], &job.owner);
    let Some(placement) = loaded.place(&plan.tokens, plan.max_reuse, &job.owner) else { return Admission::Waiting };
    loaded.n_reserved += plan.n_cells;
    let owned_lanes = loaded.free_lanes.split_off(loaded.free_lanes.len() - n_extra_lanes);
    let mut idle_lanes: Vec<Lane> = owned_lanes.iter().map(|&lane| Lane::Sequence(lane)).collect();
    idle_lanes.push(Lane::Slot);
    loaded.counters.cached_tokens += placement.n_reused as u64;
    job.run = Some(Run {
        slot: placement.slot,
        n_read: placement.n_reused,
        n_cached: placement.n_reused,
        candidates: Vec::new(),
        n_begun: 0,
        idle_lanes,
        owned_lanes,
        first_logits: Vec::new(),
        n_written: 0,
    });
    Admission::Running
}

/// Gives back what a request held. Its slot keeps the cells for the next prompt.
fn give_back(loaded: &mut Loaded, job: Job) {
    let (Some(plan), Some(run)) = (job.plan, job.run) else { return };
    for &lane in &run.owned_lanes {
        loaded.llama.truncate_sequence(lane, 0);
    }
    loaded.free_lanes.extend(run.owned_lanes);
    loaded.n_reserved -= plan.n_cells;
    loaded.slots().release(run.slot);
}

/// Adds the pending tokens of the candidates whose turn it is.
fn add_writing(step: &mut Step, jobs: &[&Job]) {
    let candidates: Vec<(&Job, &Run, &Candidate)> = jobs
        .iter()
        .filter_map(|job| Some((*job, job.run.as_ref()?)))
        .flat_map(|(job, run)| run.candidates.iter().map(move |candidate| (job, run, candidate)))
        .collect();
    let writers: Vec<Writer> = candidates
        .iter()
        .map(|(job, _, candidate)| Writer { client: job.owner.client, last_step: candidate.last_step })
        .collect();
    // There are fewer lanes than tokens in a decode; leaving one for reading keeps those who read from starving.
    for idx in take_turns(&writers).into_iter().take(MAX_BATCH - 1) {
        let (job, run, candidate) = candidates[idx];
        step.outputs.push((step.tokens.len(), job.key, Output::Candidate(candidate.idx)));
        step.tokens.push(BatchToken {
            token: candidate.pending,
            position: candidate.position,
            sequence: sequence_of(run, candidate.lane),
            wants_logits: true,
        });
        if !step.jobs.contains(&job.key) {
            step.jobs.push(job.key);
        }
    }
}

/// Notes that a candidate was served by a decode.
fn note_turn(job: &mut Job, idx: u32, step: u64) {
    let candidates = job.run.as_mut().map(|run| &mut run.candidates);
    if let Some(candidate) = candidates.into_iter().flatten().find(|candidate| candidate.idx == idx) {
        candidate.last_step = step;
    }
}

fn sequence_of(run: &Run, lane: Lane) -> usize {
    match lane {
        Lane::Slot => run.slot,
        Lane::Sequence(sequence) => sequence,
    }
}

/// Returns how many tokens of its prompt a request can read in the next decode.
///
/// The last token of a prompt that is to be continued is read by itself: kernels for one token and for many round
/// differently, and the same request must give the same text whether its prompt was cached or not.
fn n_to_read(job: &Job) -> usize {
    let (Some(plan), Some(run)) = (&job.plan, &job.run) else { return 0 };
    let n_left = plan.tokens.len() - run.n_read;
    match &plan.goal {
        Goal::Write { .. } if n_left > 1 => n_left - 1,
        Goal::Write { .. } | Goal::Compare(_) | Goal::Read => n_left,
    }
}

/// Adds the next `n_tokens` tokens of a prompt.
fn add_reading(step: &mut Step, job: &Job, n_tokens: usize) {
    let (Some(plan), Some(run)) = (&job.plan, &job.run) else { return };
    if n_tokens == 0 {
        return;
    }
    for position in run.n_read..run.n_read + n_tokens {
        let wants_logits = match &plan.goal {
            Goal::Write { .. } => position + 1 == plan.tokens.len(),
            Goal::Compare(comparison) => comparison.partings.contains_key(&position),
            Goal::Read => false,
        };
        if wants_logits {
            step.outputs.push((step.tokens.len(), job.key, Output::Prompt(position)));
        }
        step.tokens.push(BatchToken { token: plan.tokens[position], position, sequence: run.slot, wants_logits });
    }
    step.reads.push((job.key, n_tokens));
    if !step.jobs.contains(&job.key) {
        step.jobs.push(job.key);
    }
}

/// Takes the logits after a token of the prompt; returns whether the request is over.
fn see_prompt(loaded: &mut Loaded, job: &mut Job, position: usize, logits: Vec<f32>) -> bool {
    let (Some(plan), Some(run)) = (&mut job.plan, &mut job.run) else { return false };
    match &mut plan.goal {
        Goal::Compare(comparison) => {
            comparison.see(position, &logits);
            let is_over = run.n_read == plan.tokens.len()
                && comparison.partings.last_key_value().is_some_and(|(&last, _)| last == position);
            if is_over {
                job.reply.send(Answer::Ranked { scores: std::mem::take(&mut comparison.scores) });
            }
            is_over
        }
        Goal::Write { .. } => {
            let (prompt_tokens, cached_tokens) = (plan.tokens.len() as u64, run.n_cached as u64);
            job.reply.send(Answer::Read { prompt_tokens, cached_tokens });
            run.first_logits = logits;
            begin_candidates(loaded, job)
        }
        Goal::Read => false,
    }
}

/// Starts as many candidates as there are lanes; returns whether the request is over.
fn begin_candidates(loaded: &mut Loaded, job: &mut Job) -> bool {
    let Job { plan: Some(plan), run: Some(run), work: Work::Complete { sampling, .. }, reply, .. } = job else {
        return false;
    };
    let Goal::Write { healing } = &plan.goal else { return false };
    let n_prompt = plan.tokens.len();
    let n_candidates = sampling.n_candidates.max(1);
    while run.n_begun < n_candidates {
        let Some(lane) = run.idle_lanes.pop() else { break };
        clear_lane(loaded, run, lane, n_prompt);
        let mut candidate = Candidate::new(run.n_begun, lane, n_prompt, sampling, healing);
        run.n_begun += 1;
        let logits = std::mem::take(&mut run.first_logits);
        let stopped = write_next(loaded, &mut candidate, &logits, sampling, reply);
        run.first_logits = logits;
        match stopped {
            Some(reason) => {
                count_last(run, reason);
                run.idle_lanes.push(lane);
            }
            None => {
                run.n_written += 1;
                run.candidates.push(candidate);
            }
        }
    }
    finish_if_over(loaded, job)
}

/// Makes a lane hold the prompt and nothing else.
fn clear_lane(loaded: &mut Loaded, run: &Run, lane: Lane, n_prompt: usize) {
    match lane {
        Lane::Slot => {
            loaded.llama.truncate_sequence(run.slot, n_prompt);
            loaded.slots().truncate(run.slot, n_prompt);
        }
        Lane::Sequence(sequence) => {
            loaded.llama.truncate_sequence(sequence, 0);
            loaded.llama.share_beginning(run.slot, sequence, n_prompt);
        }
    }
}

/// Takes the logits after a candidate's token; returns whether the request is over.
fn see_candidate(loaded: &mut Loaded, job: &mut Job, idx: u32, logits: &[f32]) -> bool {
    let Job { run: Some(run), work: Work::Complete { sampling, .. }, reply, .. } = job else { return false };
    let Some(at) = run.candidates.iter().position(|candidate| candidate.idx == idx) else { return false };
    let candidate = &mut run.candidates[at];
    if candidate.lane == Lane::Slot {
        loaded.slots().extend(run.slot, &[candidate.pending]);
    }
    candidate.position += 1;
    let Some(reason) = write_next(loaded, candidate, logits, sampling, reply) else {
        run.n_written += 1;
        return false;
    };
    let lane = candidate.lane;
    run.candidates.remove(at);
    run.idle_lanes.push(lane);
    count_last(run, reason);
    begin_candidates(loaded, job)
}

/// Counts the token a candidate ended with, unless it was the model's own end mark.
fn count_last(run: &mut Run, reason: StopReason) {
    run.n_written += u64::from(reason != StopReason::EndOfText);
}

/// Picks a candidate's next token; returns why it ended, if it did.
fn write_next(
    loaded: &mut Loaded,
    candidate: &mut Candidate,
    logits: &[f32],
    sampling: &Sampling,
    reply: &Reply,
) -> Option<StopReason> {
    let allowed = (!candidate.healing().is_empty()).then(|| loaded.agreeing_tokens(candidate.healing()));
    let picked = candidate.pick(logits, allowed.as_deref().filter(|tokens| !tokens.is_empty()));
    candidate.advance(picked, loaded, sampling.max_tokens, reply)
}

/// Says that a request is complete once all of its candidates are.
fn finish_if_over(loaded: &mut Loaded, job: &Job) -> bool {
    let (Some(plan), Some(run)) = (&job.plan, &job.run) else { return false };
    if !run.candidates.is_empty() {
        return false;
    }
    loaded.counters.completion_tokens += run.n_written;
    job.reply.send(Answer::Finished {
        prompt_tokens: plan.tokens.len() as u64,
        cached_tokens: run.n_cached as u64,
        completion_tokens: run.n_written,
    });
    true
}

/// Adds a decode to the model's counters.
fn count(loaded: &mut Loaded, step: &Step, time: Duration) {
    let n_read: usize = step.reads.iter().map(|&(_, n_tokens)| n_tokens).sum();
    let n_written = step.tokens.len() - n_read;
    loaded.counters.prompt_tokens += n_read as u64;
    let counter = match (n_read, n_written) {
        // A single token is a prompt's last one and costs as much as writing one.
        (2.., 0) => &mut loaded.counters.reading,
        (0, 1..) => &mut loaded.counters.writing,
        _ => return,
    };
    counter.0 += step.tokens.len() as u64;
    counter.1 += time;
    if step.tokens.len() == 1 {
        loaded.pace(time);
    }
}

/// Returns how much memory programs can still take; as much as anyone asks for where the system does not say.
fn available_memory() -> u64 {
    let Ok(mut system) = sysinfo::System::new() else { return u64::MAX };
    system.refresh_memory();
    system.available_memory()
}
