import assert from 'node:assert/strict';
import { test } from 'node:test';

import { TokenBucket } from '../src/bucket.js';

const bucket = (settings = {}) => new TokenBucket({ capacity: 5, perSecond: 2, now: 0, ...settings });

test('a new bucket is full', () => {
  assert.equal(bucket().take(5, 0), true);
});

test('a bucket of nothing is refused', () => {
  assert.throws(() => bucket({ capacity: 0 }), RangeError);
});

test('a full bucket gains no more tokens', () => {
  const full = bucket();
  assert.equal(full.take(6, 10_000), false);
});

test('an empty bucket gains tokens as time passes', () => {
  const emptied = bucket();
  emptied.take(5, 0);
  assert.equal(emptied.take(1, 400), false);
  assert.equal(emptied.take(1, 500), true);
  assert.equal(emptied.take(1, 600), false);
});

test('a clock that goes backwards adds no tokens', () => {
  const emptied = bucket();
  emptied.take(5, 1000);
  assert.equal(emptied.take(1, 0), false);
});

test('after the wait the tokens are there', () => {
  const emptied = bucket({ perSecond: 3 });
  emptied.take(5, 0);
  assert.equal(emptied.take(1, emptied.waitFor(1, 0)), true);
});

test('more than the capacity is never there', () => {
  assert.equal(bucket().waitFor(6, 0), Infinity);
});

test('a full bucket makes nobody wait', () => {
  assert.equal(bucket().waitFor(5, 0), 0);
});
