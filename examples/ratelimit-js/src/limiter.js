import { TokenBucket } from './bucket.js';

/** Keeps one bucket for each client and forgets the clients that have been quiet for a while. */
export class Limiter {
  constructor({ capacity, perSecond, forgetAfterMs = 600_000 }) {
    this.settings = { capacity, perSecond };
    this.forgetAfterMs = forgetAfterMs;
    this.buckets = new Map();
  }

  /** Returns `{ allowed, retryAfterMs }` for one request of a client. */
  check(client, now, cost = 1) {
    const bucket = this.bucketOf(client, now);
    if (bucket.take(cost, now)) {
      return { allowed: true, retryAfterMs: 0 };
    }
    return { allowed: false, retryAfterMs: bucket.waitFor(cost, now) };
  }

  /** Removes buckets that nobody has used lately and returns how many. */
  sweep(now) {
    let removed = 0;
    for (const [client, bucket] of this.buckets) {
      if (now - bucket.updatedAt >= this.forgetAfterMs) {
        this.buckets.delete(client);
        removed += 1;
      }
    }
    return removed;
  }

  bucketOf(client, now) {
    let bucket = this.buckets.get(client);
    if (!bucket) {
      bucket = new TokenBucket({ ...this.settings, now });
      this.buckets.set(client, bucket);
    }
    return bucket;
  }
}
