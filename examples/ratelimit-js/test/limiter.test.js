import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Limiter } from '../src/limiter.js';

test('clients have a bucket each', () => {
  const limiter = new Limiter({ capacity: 1, perSecond: 1 });
  assert.equal(limiter.check('anna', 0).allowed, true);
  assert.equal(limiter.check('ben', 0).allowed, true);
});

test('a client that asks too often is told when to come back', () => {
  const limiter = new Limiter({ capacity: 1, perSecond: 2 });
  limiter.check('anna', 0);
  assert.deepEqual(limiter.check('anna', 100), { allowed: false, retryAfterMs: 400 });
  assert.deepEqual(limiter.check('anna', 500), { allowed: true, retryAfterMs: 0 });
});

test('a quiet client is forgotten', () => {
  const limiter = new Limiter({ capacity: 1, perSecond: 1, forgetAfterMs: 1000 });
  limiter.check('anna', 0);
  limiter.check('ben', 900);
  assert.equal(limiter.sweep(1000), 1);
});

test('a costly request that fits is allowed', () => {
  const limiter = new Limiter({ capacity: 10, perSecond: 1 });
  assert.deepEqual(limiter.check('anna', 0, 10), { allowed: true, retryAfterMs: 0 });
});
