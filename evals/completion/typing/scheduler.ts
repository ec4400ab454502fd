/**
 * Runs jobs in the background: delayed, repeated, retried with growing pauses, and never more at once than a limit allows.
 *
 * A job is a name and a payload; a handler is a function for that name. Time comes from a clock that tests replace, and
 * state goes to a store, so that a restart loses nothing. There is no thread here: everything happens in `tick`.
 */

export type JobId = string;

export type JobState = "waiting" | "running" | "done" | "failed" | "canceled";

export interface Job<Payload = unknown> {
  id: JobId;
  name: string;
  payload: Payload;
  state: JobState;
  priority: number;
  runAt: number;
  attempts: number;
  maxAttempts: number;
  lastError?: string;
  repeatEvery?: number;
  dependsOn: JobId[];
}

export interface Clock {
  now(): number;
}

export interface Store {
  load(): Promise<Job[]>;
  save(job: Job): Promise<void>;
  remove(id: JobId): Promise<void>;
}

export interface Options {
  /** How many jobs may run at once. */
  concurrency: number;
  /** The pause before the second attempt, in milliseconds. */
  firstPause: number;
  /** No pause is longer than this, in milliseconds. */
  maxPause: number;
  /** How long a job may run before it counts as failed, in milliseconds. */
  timeLimit: number;
}

export interface AddOptions {
  delay?: number;
  priority?: number;
  maxAttempts?: number;
  repeatEvery?: number;
  dependsOn?: JobId[];
}

export type Handler<Payload> = (payload: Payload, signal: AbortSignal) => Promise<void>;

export type SchedulerEvent =
  | { type: "added"; job: Job }
  | { type: "started"; job: Job }
  | { type: "done"; job: Job; elapsed: number }
  | { type: "retried"; job: Job; pause: number }
  | { type: "failed"; job: Job; error: string }
  | { type: "canceled"; job: Job };

export type Listener = (event: SchedulerEvent) => void;

const DEFAULT_OPTIONS: Options = {
  concurrency: 4,
  firstPause: 1_000,
  maxPause: 60_000,
  timeLimit: 30_000,
};

export class SchedulerError extends Error {
  constructor(
    message: string,
    readonly jobId?: JobId,
  ) {
    super(message);
    this.name = "SchedulerError";
  }
}

export const systemClock: Clock = { now: () => Date.now() };

/** Keeps jobs in memory only; what tests and small tools need. */
export class MemoryStore implements Store {
  private readonly jobs = new Map<JobId, Job>();

  async load(): Promise<Job[]> {
    return [...this.jobs.values()].map((job) => structuredClone(job));
  }

  async save(job: Job): Promise<void> {
    this.jobs.set(job.id, structuredClone(job));
  }

  async remove(id: JobId): Promise<void> {
    this.jobs.delete(id);
  }
}

/** A binary heap: the smallest item by `isBefore` is on top. */
export class Heap<T> {
  private readonly items: T[] = [];

  constructor(private readonly isBefore: (a: T, b: T) => boolean) {}

  get size(): number {
    return this.items.length;
  }

  peek(): T | undefined {
    return this.items[0];
  }

  push(item: T): void {
    this.items.push(item);
    let at = this.items.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.isBefore(this.items[at], this.items[parent])) break;
      this.swap(at, parent);
      at = parent;
    }
  }

  pop(): T | undefined {
    const top = this.items[0];
    const last = this.items.pop();
    if (this.items.length > 0 && last !== undefined) {
      this.items[0] = last;
      this.sink(0);
    }
    return top;
  }

  removeWhere(isWanted: (item: T) => boolean): T | undefined {
    const at = this.items.findIndex(isWanted);
    if (at < 0) return undefined;
    const [removed] = this.items.splice(at, 1);
    const rest = this.items.splice(0);
    for (const item of rest) this.push(item);
    return removed;
  }

  private sink(start: number): void {
    let at = start;
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      let smallest = at;
      if (left < this.items.length && this.isBefore(this.items[left], this.items[smallest])) smallest = left;
      if (right < this.items.length && this.isBefore(this.items[right], this.items[smallest])) smallest = right;
      if (smallest === at) return;
      this.swap(at, smallest);
      at = smallest;
    }
  }

  private swap(a: number, b: number): void {
    [this.items[a], this.items[b]] = [this.items[b], this.items[a]];
  }
}

/** Returns whether a job is to run before another one. */
function isBefore(a: Job, b: Job): boolean {
  if (a.runAt !== b.runAt) return a.runAt < b.runAt;
  if (a.priority !== b.priority) return a.priority > b.priority;
  return a.id < b.id;
}

/** Returns the pause before the next attempt: twice as long each time, up to a limit. */
export function pauseAfter(attempts: number, options: Options): number {
  const pause = options.firstPause * 2 ** Math.max(0, attempts - 1);
  return Math.min(pause, options.maxPause);
}

export class Scheduler {
  private readonly options: Options;
  private readonly handlers = new Map<string, Handler<unknown>>();
  private readonly jobs = new Map<JobId, Job>();
  private readonly waiting = new Heap<Job>(isBefore);
  private readonly running = new Map<JobId, AbortController>();
  private readonly listeners = new Set<Listener>();
  private nextId = 1;

  constructor(
    private readonly store: Store,
    private readonly clock: Clock = systemClock,
    options: Partial<Options> = {},
  ) {
    this.options = { ...DEFAULT_OPTIONS, ...options };
    if (this.options.concurrency < 1) {
      throw new SchedulerError(`concurrency must be at least 1, not ${this.options.concurrency}`);
    }
  }

  /** Names the function that works on jobs of a name. */
  handle<Payload>(name: string, handler: Handler<Payload>): void {
    if (this.handlers.has(name)) {
      throw new SchedulerError(`there is a handler for ${name} already`);
    }
    this.handlers.set(name, handler as Handler<unknown>);
  }

  /** Calls a function for each event, until the returned function is called. */
  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Reads the jobs that an earlier process has left. Those that ran then wait again. */
  async restore(): Promise<number> {
    const stored = await this.store.load();
    for (const job of stored) {
      if (job.state === "running") {
        job.state = "waiting";
        await this.store.save(job);
      }
      this.jobs.set(job.id, job);
      if (job.state === "waiting") {
        this.waiting.push(job);
      }
      this.nextId = Math.max(this.nextId, Number(job.id) + 1);
    }
    return stored.length;
  }

  /** Adds a job and returns it. */
  async add<Payload>(name: string, payload: Payload, options: AddOptions = {}): Promise<Job<Payload>> {
    const job: Job<Payload> = {
      id: String(this.nextId++),
      name,
      payload,
      state: "waiting",
      priority: options.priority ?? 0,
      runAt: this.clock.now() + (options.delay ?? 0),
      attempts: 0,
      maxAttempts: options.maxAttempts ?? 3,
      repeatEvery: options.repeatEvery,
      dependsOn: options.dependsOn ?? [],
    };
    for (const id of job.dependsOn) {
      if (!this.jobs.has(id)) {
        throw new SchedulerError(`job ${job.id} depends on ${id}, which does not exist`, job.id);
      }
    }
    await this.store.save(job);
    this.jobs.set(job.id, job);
    this.waiting.push(job);
    this.emit({ type: "added", job });
    return job;
  }

  /** Cancels a job; one that runs is told by its signal. */
  async cancel(id: JobId): Promise<boolean> {
    const job = this.jobs.get(id);
    if (job === undefined || job.state === "done" || job.state === "failed") {
      return false;
    }
    this.running.get(id)?.abort();
    this.waiting.removeWhere((other) => other.id === id);
    job.state = "canceled";
    await this.store.save(job);
    this.emit({ type: "canceled", job });
    return true;
  }

  /** Starts what is due, and returns how many jobs were started. */
  async tick(): Promise<number> {
    const now = this.clock.now();
    const postponed: Job[] = [];
    let started = 0;
    while (this.running.size < this.options.concurrency) {
      const job = this.waiting.peek();
      if (job === undefined || job.runAt > now) break;
      this.waiting.pop();
      if (!this.isReady(job)) {
        postponed.push(job);
        continue;
      }
      void this.run(job);
      started += 1;
    }
    for (const job of postponed) this.waiting.push(job);
    return started;
  }

  /** Returns when the next job is due, or undefined when none waits. */
  nextRunAt(): number | undefined {
    return this.waiting.peek()?.runAt;
  }

  /** Returns how many jobs are in each state. */
  counts(): Record<JobState, number> {
    const counts: Record<JobState, number> = { waiting: 0, running: 0, done: 0, failed: 0, canceled: 0 };
    for (const job of this.jobs.values()) {
      counts[job.state] += 1;
    }
    return counts;
  }

  private isReady(job: Job): boolean {
    return job.dependsOn.every((id) => this.jobs.get(id)?.state === "done");
  }

  private async run(job: Job): Promise<void> {
    const handler = this.handlers.get(job.name);
    if (handler === undefined) {
      await this.fail(job, `no handler for ${job.name}`);
      return;
    }
    const controller = new AbortController();
    const startedAt = this.clock.now();
    this.running.set(job.id, controller);
    job.state = "running";
    job.attempts += 1;
    await this.store.save(job);
    this.emit({ type: "started", job });
    try {
      await withTimeLimit(handler(job.payload, controller.signal), this.options.timeLimit, controller);
      await this.finish(job, this.clock.now() - startedAt);
    } catch (error) {
      await this.retryOrFail(job, messageOf(error));
    } finally {
      this.running.delete(job.id);
    }
  }

  private async finish(job: Job, elapsed: number): Promise<void> {
    if (job.repeatEvery === undefined) {
      job.state = "done";
    } else {
      job.state = "waiting";
      job.attempts = 0;
      job.runAt += job.repeatEvery;
      this.waiting.push(job);
    }
    job.lastError = undefined;
    await this.store.save(job);
    this.emit({ type: "done", job, elapsed });
  }

  private async retryOrFail(job: Job, error: string): Promise<void> {
    if (job.state === "canceled") return;
    if (job.attempts >= job.maxAttempts) {
      await this.fail(job, error);
      return;
    }
    const pause = pauseAfter(job.attempts, this.options);
    job.state = "waiting";
    job.lastError = error;
    job.runAt = this.clock.now() + pause;
    await this.store.save(job);
    this.waiting.push(job);
    this.emit({ type: "retried", job, pause });
  }

  private async fail(job: Job, error: string): Promise<void> {
    job.state = "failed";
    job.lastError = error;
    await this.store.save(job);
    this.emit({ type: "failed", job, error });
  }

  private emit(event: SchedulerEvent): void {
    for (const listener of this.listeners) {
      listener(event);
    }
  }
}

/** Rejects when a promise takes longer than a limit, and aborts what it belongs to. */
async function withTimeLimit<T>(promise: Promise<T>, limit: number, controller: AbortController): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      controller.abort();
      reject(new SchedulerError(`took longer than ${limit} ms`));
    }, limit);
  });
  try {
    return await Promise.race([promise, expired]);
  } finally {
    clearTimeout(timer);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Finds jobs that wait for each other in a circle, and returns one such circle. */
export function findCircle(jobs: ReadonlyMap<JobId, Job>): JobId[] | undefined {
  const finished = new Set<JobId>();
  const path: JobId[] = [];
  const visit = (id: JobId): JobId[] | undefined => {
    if (finished.has(id)) return undefined;
    const at = path.indexOf(id);
    if (at >= 0) return path.slice(at);
    path.push(id);
    for (const other of jobs.get(id)?.dependsOn ?? []) {
      const circle = visit(other);
      if (circle !== undefined) return circle;
    }
    path.pop();
    finished.add(id);
    return undefined;
  };
  for (const id of jobs.keys()) {
    const circle = visit(id);
    if (circle !== undefined) return circle;
  }
  return undefined;
}

/** Describes the state of a scheduler in one line, for logs. */
export function summary(scheduler: Scheduler, clock: Clock = systemClock): string {
  const counts = scheduler.counts();
  const parts = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`);
  const next = scheduler.nextRunAt();
  if (next !== undefined) {
    parts.push(`next in ${Math.max(0, next - clock.now())} ms`);
  }
  return parts.length > 0 ? parts.join(", ") : "idle";
}
