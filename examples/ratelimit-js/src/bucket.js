/**
 * A token bucket: it holds up to `capacity` tokens and gains `perSecond` of them each second. A request takes tokens out;
 * one that finds too few is turned away.
 *
 * Time is a parameter, in milliseconds, so that a test needs no clock.
 */
export class TokenBucket {
  constructor({ capacity, perSecond, now }) {
    if (!(capacity > 0) || !(perSecond > 0)) {
      throw new RangeError(`capacity and perSecond must be positive, got ${capacity} and ${perSecond}`);
    }
    this.capacity = capacity;
    this.perSecond = perSecond;
    this.tokens = capacity;
    this.updatedAt = now;
  }

  /** Adds the tokens gained since the last call; a clock that went backwards adds none. */
  refill(now) {
    const elapsedMs = Math.max(0, now - this.updatedAt);
    const gained = (elapsedMs / 1000) * this.perSecond;
    this.tokens = Math.min(this.capacity, this.tokens + gained);
    this.updatedAt = now;
  }

  /** Takes `count` tokens and returns whether there were enough. */
  take(count, now) {
    this.refill(now);
    if (count > this.tokens) {
      return false;
    }
    this.tokens -= count;
    return true;
  }

  /** Returns after how many milliseconds `count` tokens will be there, or Infinity if that cannot be. */
  waitFor(count, now) {
    this.refill(now);
    if (count > this.capacity) {
      return Infinity;
    }
    const missing = Math.max(0, count - this.tokens);
    return Math.floor((missing / this.perSecond) * 1000);
  }
}
