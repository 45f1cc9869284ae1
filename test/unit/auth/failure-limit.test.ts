import {
  FAILURES_MAX,
  FAILURE_WINDOW_MS,
  FailureLimit,
  networkOf,
} from '../../../src/auth/failure-limit.js';
import { BoundedCache } from '../../../src/auth/bounded-cache.js';
import { TooManyFailuresError } from '../../../src/auth/principal.js';

test('listens to an address until it has failed too often, and again after the window', () => {
  const limit = new FailureLimit();
  for (let i = 0; i < FAILURES_MAX; i += 1) {
    limit.assertListening('192.0.2.1', 1_000 + i);
    limit.count('192.0.2.1', 1_000 + i);
  }
  const listen = (address: string, nowMs: number) => () => {
    limit.assertListening(address, nowMs);
  };
  expect(listen('192.0.2.1', 2_000)).toThrow(TooManyFailuresError);
  try {
    limit.assertListening('192.0.2.1', 2_000);
  } catch (error) {
    expect(error).toMatchObject({ retryAfterMs: FAILURE_WINDOW_MS - 1_000 });
  }
  expect(listen('192.0.2.2', 2_000)).not.toThrow();
  expect(listen('192.0.2.1', 1_000 + FAILURE_WINDOW_MS)).not.toThrow();
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

test('a cache forgets what is over, and the oldest where there is no room', () => {
  const cache = new BoundedCache<number>(2);
  cache.set('a', 1, 100);
  cache.set('b', 2, 100);
  cache.set('a', 3, 200);
  cache.set('c', 4, 200);
  expect([cache.get('a', 99), cache.get('b', 99), cache.get('c', 99)]).toEqual([3, undefined, 4]);
  expect(cache.get('a', 200)).toBeUndefined();
  expect(cache.size).toBe(1);
});
