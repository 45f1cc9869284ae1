/** What every lock service keeps, wherever its locks are: the same tests on each kind of Redis. */
import {
  DistributedLockManager,
  LockAbortedError,
  LockTimeoutError,
} from '../../src/lock/index.js';
import type { DistributedLockService } from '../../src/lock/index.js';
import { deadlineIn, errorOf, uniqueKey } from './lock-services.js';
import { pass } from './until.js';

/** Starts one more service; the test file stops it after the test. */
export type StartService = (settings: {
  readonly ttlMs?: number;
  readonly commandTimeoutMs: number;
}) => Promise<DistributedLockService>;

/** A Redis that pauses for a moment is not away: what these tests show needs the lock all the time. */
export const PATIENT = { commandTimeoutMs: 5_000 } as const;

const KEYS = 8;
const VISITS = 12;

export function describeLockContract(startService: StartService): void {
  const start = (settings: { readonly ttlMs?: number }) =>
    startService({ ...PATIENT, ...settings });
  const startThree = () => Promise.all([start({}), start({}), start({})]);

  test('each of many locks has one holder at a time, across services, and its tokens grow', async () => {
    const keys = Array.from({ length: KEYS }, () => uniqueKey());
    const inside = new Map<string, number>();
    const tokens = new Map<string, (bigint | null)[]>(keys.map((key) => [key, []]));
    let most = 0;
    const visit = async (service: DistributedLockService, key: string) => {
      const lease = await service.acquire(key, deadlineIn(30_000));
      inside.set(key, (inside.get(key) ?? 0) + 1);
      most = Math.max(most, inside.get(key) ?? 0);
      tokens.get(key)?.push(lease.fencingToken);
      await new Promise(setImmediate);
      inside.set(key, (inside.get(key) ?? 0) - 1);
      await service.release(lease);
    };
    const services = await startThree();
    const visits = services.flatMap((service) =>
      keys.flatMap((key) => Array.from({ length: VISITS }, () => visit(service, key))),
    );
    await Promise.all(visits);
    expect(most).toBe(1);
    for (const seen of tokens.values()) {
      expect(seen).toHaveLength(VISITS * services.length);
      if (seen[0] === null) expect(new Set(seen)).toEqual(new Set([null]));
      else expect(seen).toEqual([...new Set(seen)].sort((a, b) => Number(a) - Number(b)));
    }
  });

  test('a single try does not wait, and a waiter is served when the holder releases', async () => {
    const [one, other] = await startThree();
    const key = uniqueKey();
    const lease = await one.acquire(key, deadlineIn(0));
    expect(await errorOf(other.acquire(key, deadlineIn(0)))).toBeInstanceOf(LockTimeoutError);
    expect(await errorOf(other.acquire(key, deadlineIn(60)))).toBeInstanceOf(LockTimeoutError);
    const waiting = other.acquire(key, deadlineIn(10_000));
    await pass(20);
    await one.release(lease);
    expect(lease.state).toBe('released');
    const next = await waiting;
    expect(next.state).toBe('held');
    await one.release(lease);
    expect(next.state).toBe('held');
    expect(await errorOf(one.acquire(key, deadlineIn(0)))).toBeInstanceOf(LockTimeoutError);
    await other.release(next);
  });

  test('a lease outlives its time to live while its holder lives, and a caller may end its wait', async () => {
    // Longer than a pause of the machine, in which a lease rightly ends.
    const [holder, other] = [await start({ ttlMs: 3_000 }), await start({ ttlMs: 3_000 })];
    const key = uniqueKey();
    const lease = await holder.acquire(key, deadlineIn(0));
    const left = new AbortController();
    const waiting = errorOf(other.acquire(key, deadlineIn(30_000, left.signal)));
    await pass(4_500);
    expect(lease.state).toBe('held');
    expect(lease.signal.aborted).toBe(false);
    left.abort();
    expect(await waiting).toBeInstanceOf(LockAbortedError);
    await holder.release(lease);
    await other.release(await other.acquire(key, deadlineIn(5_000)));
  });

  test('callers that want the same locks in opposite orders all get them', async () => {
    const managers = (await startThree()).map(
      (service) => new DistributedLockManager(service, { waitMs: 30_000 }),
    );
    const [a, b, c] = [uniqueKey(), uniqueKey(), uniqueKey()];
    let inside = 0;
    let most = 0;
    const visit = async () => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise(setImmediate);
      inside -= 1;
    };
    const orders = [
      [a, b, c],
      [c, b, a],
      [b, c, a],
    ];
    await Promise.all(
      managers.flatMap((manager, i) =>
        Array.from({ length: 10 }, (_, j) =>
          manager.executeWithLock(orders[(i + j) % orders.length] ?? [], visit),
        ),
      ),
    );
    expect(most).toBe(1);
  });
}
