import { FAILURE_WINDOW_MS, FailureLimit } from '../../../src/auth/failure-limit.js';
import { canonicalAddress, networkOf } from '../../../src/auth/network.js';
import { FAILURES_MAX } from '../../support/answering-authenticator.js';

/** Whether the address may fail once more, which is counted. */
function mayFail(limit: FailureLimit, address: string, nowMs: number): boolean {
  return 'giveBack' in limit.count(address, nowMs);
}

test('refuses an address after too many failures, until its window ends', () => {
  const limit = new FailureLimit(FAILURES_MAX);
  for (let i = 0; i < FAILURES_MAX; i += 1) {
    expect(mayFail(limit, '192.0.2.1', 1_000 + i)).toBe(true);
  }
  expect(limit.count('192.0.2.1', 2_000)).toEqual({ retryAfterMs: FAILURE_WINDOW_MS - 1_000 });
  expect(mayFail(limit, '192.0.2.2', 2_000)).toBe(true);
  expect(mayFail(limit, '192.0.2.1', 999 + FAILURE_WINDOW_MS)).toBe(false);
  expect(mayFail(limit, '192.0.2.1', 1_000 + FAILURE_WINDOW_MS)).toBe(true);
});

test('starts a new count in a new window', () => {
  const limit = new FailureLimit(FAILURES_MAX);
  const laterMs = 1_000 + FAILURE_WINDOW_MS;
  for (let i = 0; i < FAILURES_MAX; i += 1) limit.count('192.0.2.1', 1_000);
  for (let i = 0; i < FAILURES_MAX; i += 1) {
    expect(mayFail(limit, '192.0.2.1', laterMs)).toBe(true);
  }
  expect(mayFail(limit, '192.0.2.1', laterMs)).toBe(false);
});

test('what is given back can be used again, and in a later window it frees nothing', () => {
  const limit = new FailureLimit(FAILURES_MAX);
  const counted = Array.from({ length: FAILURES_MAX }, () => limit.count('192.0.2.1', 1_000));
  const [first, second] = counted;
  if (!first || !('giveBack' in first) || !second || !('giveBack' in second)) throw new Error();
  first.giveBack();
  expect(mayFail(limit, '192.0.2.1', 1_001)).toBe(true);
  expect(mayFail(limit, '192.0.2.1', 1_001)).toBe(false);
  const laterMs = 1_000 + FAILURE_WINDOW_MS;
  for (let i = 0; i < FAILURES_MAX; i += 1) limit.count('192.0.2.1', laterMs);
  second.giveBack();
  expect(mayFail(limit, '192.0.2.1', laterMs)).toBe(false);
});

test('forgets the least recently used address beyond ten thousand', () => {
  const limit = new FailureLimit(FAILURES_MAX);
  const refuse = (address: string) => {
    for (let i = 0; i < FAILURES_MAX; i += 1) limit.count(address, 1_000);
  };
  refuse('192.0.2.1');
  refuse('192.0.2.2');
  for (let i = 0; i < 9_998; i += 1) limit.count(`10.0.${i >> 8}.${i & 255}`, 1_000);
  expect(mayFail(limit, '192.0.2.1', 1_001)).toBe(false);
  limit.count('10.1.0.0', 1_001);
  expect(mayFail(limit, '192.0.2.1', 1_001)).toBe(false);
  expect(mayFail(limit, '192.0.2.2', 1_001)).toBe(true);
});

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:DB8:1:2::1', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['2001:0db8:0001:0000:ffff::', '2001:db8:1:0'],
  ['::1', '0:0:0:0'],
  ['::ffff:c000:201', '192.0.2.1'],
  ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
  ['[2001:db8:1:2::1]:443', '2001:db8:1:2'],
  ['192.0.2.1:51234', '192.0.2.1'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['unknown', 'unknown'],
])('%s counts as %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test.each([
  ['192.0.2.1:443', '192.0.2.1'],
  [' [::ffff:192.0.2.1]:443 ', '192.0.2.1'],
  ['[2001:DB8:0:0::1]', '2001:db8::1'],
  ['2001:0db8:0::0001', '2001:db8::1'],
  ['192.0.2', null],
  ['_hidden', null],
  ['', null],
])('%j is the address %s', (text, address) => {
  expect(canonicalAddress(text)).toBe(address);
});
