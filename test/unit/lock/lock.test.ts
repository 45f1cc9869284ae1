/** The lock's parts that need no Redis: settings, the queue in memory, the numbers, what errors say and hide. */
import {
  Deadline,
  LockAbortedError,
  LockLostError,
  LockQueueFullError,
  LockTimeoutError,
  LockUnavailableError,
  RedisLockService,
  type Lease,
} from '../../../src/lock/index.js';
import { HeldLease, Hold } from '../../../src/lock/hold.js';
import { failureOf } from '../../../src/redis/failure.js';
import { DEFAULTS, readSettings } from '../../../src/lock/settings.js';
import { BUCKETS_MS, Durations, StatsCollector } from '../../../src/lock/stats.js';
import { inboxOf, processOf, Tickets } from '../../../src/lock/tickets.js';
import { Waiter, Waiters } from '../../../src/lock/waiting-room.js';
import { systemRandomBytes } from '../../../src/time/clock.js';
import { FakeClock } from '../../support/fake-clock.js';

const url = 'redis://127.0.0.1:1';

describe('the settings', () => {
  test('have defaults for all but the address', () => {
    expect(readSettings({})).toEqual(DEFAULTS);
  });

  test.each([
    ['ttlMs', 0, 'ttlMs must be a whole number from 1; got 0.'],
    ['commandTimeoutMs', 1.5, 'commandTimeoutMs must be a whole number from 1; got 1.5.'],
    ['queueMax', -1, 'queueMax must be a whole number from 1; got -1.'],
    ['claimTtlMs', Number.NaN, 'claimTtlMs must be a whole number from 1; got NaN.'],
    ['localPassesMax', 0, 'localPassesMax must be a whole number from 1; got 0.'],
    ['localTenureMs', -1, 'localTenureMs must be a number from 0; got -1.'],
  ])('name the one that is out of range: %s %d', (name, value, message) => {
    expect(() => readSettings({ [name]: value })).toThrow(new RangeError(message));
  });

  test('keep a claim shorter than a renewed lock', () => {
    expect(readSettings({ ttlMs: 301 }).claimTtlMs).toBe(151);
    expect(readSettings({ ttlMs: 60_000 }).claimTtlMs).toBe(DEFAULTS.claimTtlMs);
  });
});

describe('the waiters', () => {
  const makeWaiter = () =>
    new Waiter(
      Deadline.in(1, new FakeClock()),
      0,
      () => undefined,
      () => undefined,
    );

  test.each([
    [0, null],
    [0.2, 1],
    [1_999.5, 2_000],
    [Infinity, null],
  ])('with %d ms left time out after %p ms', (leftMs, timeOutMs) => {
    const deadline = Deadline.in(leftMs, new FakeClock());
    const ignore = () => undefined;
    expect(new Waiter(deadline, 0, ignore, ignore)).toMatchObject({
      triesOnce: leftMs === 0,
      timeOutMs,
    });
  });

  test('keep their order when others leave', () => {
    const waiters = new Waiters();
    const all = Array.from({ length: 5 }, makeWaiter);
    for (const waiter of all) waiters.push(waiter);
    const [a, b, c, d, e] = all as [Waiter, Waiter, Waiter, Waiter, Waiter];
    expect(waiters.ahead(e)).toBe(4);
    waiters.remove(c);
    waiters.remove(a);
    waiters.remove(e);
    expect([waiters.size, waiters.first, b.next, d.previous, d.next]).toEqual([2, b, d, b, null]);
    expect(waiters.ahead(d)).toBe(1);
    waiters.remove(b);
    waiters.remove(d);
    expect([waiters.size, waiters.first]).toEqual([0, null]);
    waiters.push(a);
    expect(waiters.first).toBe(a);
  });
});

describe('a hold', () => {
  const details = {
    key: 'k',
    ticket: 't',
    deadlineMs: 2_000,
    lifeMs: 2_000,
    sinceMs: 0,
    firstToken: 7,
    tokens: 2,
  };

  test('gives out the reserved tokens and no others', () => {
    const hold = new Hold({ ...details, onLost: () => undefined });
    expect([hold.takeToken(), hold.hasToken, hold.takeToken(), hold.hasToken]).toEqual([
      7,
      true,
      8,
      false,
    ]);
  });

  test('is lost once, and not after its end', () => {
    const losses: string[] = [];
    const hold = new Hold({ ...details, onLost: (reason) => losses.push(reason) });
    hold.lose('taken-from-us');
    hold.lose('stopped');
    expect([losses, hold.isCurrent]).toEqual([['taken-from-us'], false]);
    const ended = new Hold({ ...details, onLost: (reason) => losses.push(reason) });
    ended.end();
    ended.lose('stopped');
    expect(losses).toEqual(['taken-from-us']);
  });

  test('gives its deadline to the lease, which compares the clock instead of relying on a timer', () => {
    const clock = new FakeClock();
    const hold: Hold = new Hold({
      ...details,
      onLost: (reason) => {
        lease.markLost(reason);
      },
    });
    const lease = new HeldLease(hold, 7, 1_000, clock);
    clock.stopFor(999);
    expect([lease.state, lease.signal.aborted, lease.fencingToken]).toEqual(['held', false, 7n]);
    hold.deadlineMs = 3_000;
    clock.stopFor(1_000);
    expect(lease.state).toBe('held');
    clock.stopFor(1);
    expect(lease.signal.reason).toEqual(new LockLostError('k', 'not-renewed-in-time'));
    expect(lease.state).toBe('lost');
  });
});

describe('tickets', () => {
  test('name their process, and are used once', () => {
    const [one, other] = [new Tickets(systemRandomBytes), new Tickets(systemRandomBytes)];
    const [first, second] = [one.next(), one.next()];
    expect(first).not.toBe(second);
    expect(processOf(first)).toBe(one.processId);
    expect([one.isOurs(first), other.isOurs(first)]).toEqual([true, false]);
    expect(inboxOf(one.processId)).toBe(`lock:inbox:${one.processId}`);
    expect(one.processId).not.toMatch(/\s/);
  });

  test('of other clients are shown, truncated', () => {
    expect(processOf('no ticket')).toBe('no ticket');
    expect(processOf('x'.repeat(5_000))).toHaveLength(100);
  });
});

describe('an error', () => {
  const behind = { waitersAhead: 2, processesAhead: 1, holder: 'shop.7', holderExpires: true };

  test('has a code of its own and says what it knows', () => {
    const timeout = new LockTimeoutError({ key: 'k', waitedMs: 12.4, behind });
    const errors = [
      timeout,
      new LockAbortedError('k', 'why'),
      new LockLostError('k', 'taken-from-us'),
      new LockUnavailableError('Away.'),
      new LockQueueFullError('k', 9),
    ];
    expect(errors.map(({ code, name, message }) => [code, name, message])).toEqual([
      [
        'LOCK_TIMEOUT',
        'LockTimeoutError',
        'The lock k was not granted within 12 ms: ' +
          'behind 2 waiters of this process and 1 other processes, held by shop.7.',
      ],
      ['LOCK_ABORTED', 'LockAbortedError', 'Waiting for the lock k was aborted.'],
      [
        'LOCK_LOST',
        'LockLostError',
        'The lease of k is lost: its key at Redis was deleted or has another holder.',
      ],
      ['LOCK_UNAVAILABLE', 'LockUnavailableError', 'Away.'],
      [
        'LOCK_QUEUE_FULL',
        'LockQueueFullError',
        'The lock k has 9 waiters in this process already; try again later.',
      ],
    ]);
  });

  test.each([
    ['WRONGPASS invalid username-password pair', 'refused', 'Redis refuses the password'],
    ['NOAUTH Authentication required.', 'refused', 'Redis wants a password'],
    ['ERR DB index is out of range', 'refused', 'Redis has no such database'],
    [
      "NOPERM this user has no permissions to run the 'evalsha' command",
      'refused',
      'the Redis user may not run a command that the lock needs',
    ],
    [
      'NOPERM this user has no permissions to access one of the keys used as arguments',
      'unusable-key',
      'the Redis user may not touch its key',
    ],
    [
      'WRONGTYPE Operation against a key holding the wrong kind of value',
      'unusable-key',
      'something that is no lock has its key, or one with its suffixes',
    ],
    [
      'READONLY You can’t write against a read only replica.',
      'away',
      'Redis is a read-only replica',
    ],
    [
      "OOM command not allowed when used memory > 'maxmemory'.",
      'away',
      'the memory of Redis is full',
    ],
    ['LOADING Redis is loading the dataset in memory', 'away', 'Redis is loading its data'],
    ['MOVED 3999 10.0.0.7:6381', 'away', 'the slot has another master'],
    ['ASK 3999 10.0.0.7:6381', 'away', 'the slot is moving to another master of the Redis Cluster'],
    ['CLUSTERDOWN Hash slot not served', 'away', 'the Redis Cluster does not serve the slot'],
    ['NOGOODSLAVE none of them is', 'away', 'Redis answers with the error NOGOODSLAVE'],
    [
      'ERR unknown thing script: 0123, on @user_script:1.',
      'away',
      'Redis answers with an error: unknown thing',
    ],
    ['Connection is closed.', 'away', 'the connection to Redis is lost'],
  ])('of Redis is understood: %s', (message, kind, reason) => {
    expect(failureOf(new Error(message))).toMatchObject({ kind, reason });
  });

  test('of the network is told by its code, without the address', () => {
    const error = Object.assign(new Error('connect ECONNREFUSED 10.0.0.7:6379'), {
      code: 'ECONNREFUSED',
    });
    expect(failureOf(error).reason).toBe('no connection to Redis (ECONNREFUSED)');
  });
});

describe('the statistics', () => {
  test('count durations by bucket', () => {
    const durations = new Durations();
    for (const ms of [0, 1, 1.5, 10_000, 10_001]) durations.add(ms);
    const { count, sumMs, maxMs, buckets } = durations.snapshot();
    expect([count, sumMs, maxMs]).toEqual([5, 20_003.5, 10_001]);
    const filled = buckets.filter((bucket) => bucket.count > 0);
    expect(filled).toEqual([
      { leMs: 1, count: 2 },
      { leMs: 2, count: 1 },
      { leMs: 10_000, count: 1 },
    ]);
    expect(buckets.map(({ leMs }) => leMs)).toEqual([...BUCKETS_MS]);
  });

  test('are a snapshot that does not change', () => {
    const stats = new StatsCollector();
    const before = stats.snapshot();
    stats.acquired += 1;
    stats.handOffs.local += 1;
    stats.wakeUps.ttl += 1;
    stats.renewals.late += 1;
    expect(before).toMatchObject({
      acquired: 0,
      handOffs: { local: 0 },
      wakeUps: { ttl: 0 },
      renewals: { late: 0 },
    });
  });
});

describe('the service', () => {
  test('opens no connection before its start, and refuses callers', async () => {
    const service = new RedisLockService({ url });
    expect(service.health()).toMatchObject({ available: false, reason: 'not started' });
    await expect(service.acquire('k', Deadline.in(0, new FakeClock()))).rejects.toThrow(
      LockUnavailableError,
    );
    await service.stop();
  });

  test('releases only its own leases', async () => {
    const service = new RedisLockService({ url });
    const strange = { key: 'k', fencingToken: 1n } as Lease;
    await expect(service.release(strange)).rejects.toThrow(TypeError);
  });
});
