import {
  FAILURES_MAX,
  FAILURE_WINDOW_MS,
  FailureLimit,
  networkOf,
} from '../../../src/auth/failure-limit.js';
import { TooManyFailuresError } from '../../../src/auth/principal.js';

/** The error with which the address is refused; null where it is not. */
function refusal(limit: FailureLimit, address: string, nowMs: number): unknown {
  try {
    limit.assertBelowLimit(address, nowMs);
    return null;
  } catch (error) {
    return error;
  }
}

test('refuses an address after too many failures, until its window ends', () => {
  const limit = new FailureLimit();
  for (let i = 0; i < FAILURES_MAX; i += 1) {
    expect(refusal(limit, '192.0.2.1', 1_000 + i)).toBeNull();
    limit.count('192.0.2.1', 1_000 + i);
  }
  const refused = refusal(limit, '192.0.2.1', 2_000);
  expect(refused).toBeInstanceOf(TooManyFailuresError);
  expect(refused).toMatchObject({ retryAfterMs: FAILURE_WINDOW_MS - 1_000 });
  expect(refusal(limit, '192.0.2.2', 2_000)).toBeNull();
  expect(refusal(limit, '192.0.2.1', 999 + FAILURE_WINDOW_MS)).not.toBeNull();
  expect(refusal(limit, '192.0.2.1', 1_000 + FAILURE_WINDOW_MS)).toBeNull();
});

test('starts a new count in a new window', () => {
  const limit = new FailureLimit();
  for (let i = 0; i < FAILURES_MAX; i += 1) limit.count('192.0.2.1', 1_000);
  for (let i = 0; i < FAILURES_MAX; i += 1) {
    expect(refusal(limit, '192.0.2.1', 1_000 + FAILURE_WINDOW_MS)).toBeNull();
    limit.count('192.0.2.1', 1_000 + FAILURE_WINDOW_MS);
  }
  expect(refusal(limit, '192.0.2.1', 1_000 + FAILURE_WINDOW_MS)).not.toBeNull();
});

test('forgets the least recently used address beyond ten thousand', () => {
  const limit = new FailureLimit();
  const refuse = (address: string) => {
    for (let i = 0; i < FAILURES_MAX; i += 1) limit.count(address, 1_000);
  };
  refuse('192.0.2.1');
  refuse('192.0.2.2');
  for (let i = 0; i < 9_998; i += 1) limit.count(`10.0.${i >> 8}.${i & 255}`, 1_000);
  expect(refusal(limit, '192.0.2.1', 1_001)).not.toBeNull();
  limit.count('10.1.0.0', 1_001);
  expect(refusal(limit, '192.0.2.1', 1_001)).not.toBeNull();
  expect(refusal(limit, '192.0.2.2', 1_001)).toBeNull();
});

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:DB8:1:2::1', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['2001:0db8:0001:0000:ffff::', '2001:db8:1:0'],
  ['::1', '0:0:0:0'],
])('%s counts as %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});
