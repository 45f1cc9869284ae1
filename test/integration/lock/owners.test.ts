/** A process that owns a lock keeps it; others learn who it is, tell it something, or wait for the lock. */
import {
  Deadline,
  systemClock,
  type Lease,
  type RedisLockService,
  type RedisLockSettings,
} from '../../../src/lock/index.js';
import { LockServices, LONG, uniqueKey } from '../../support/lock-services.js';
import { until } from '../../support/until.js';

const services = new LockServices();
afterEach(() => services.stopAll());

/**
 * The time to live is so long that no renewal tells an owner a second time that it is wanted, and that of a hand-over
 * so long that no lock is lost between two steps of a test.
 */
const start = (settings: Partial<RedisLockSettings> = {}) =>
  services.start({ ...LONG, ...settings });

const soon = () => Deadline.in(5_000, systemClock);
const NOT_WANTED = { onWanted: () => undefined };

async function ownedBy(
  service: RedisLockService,
  key: string,
  onWanted: () => void = () => undefined,
): Promise<Lease> {
  const lease = await service.own(key, soon(), { onWanted });
  if ('owner' in lease) throw new Error(`${lease.owner} owns it.`);
  return lease;
}

test('a process that wants to own an owned lock is told the owner at once', async () => {
  const [a, b] = [await start(), await start()];
  const key = uniqueKey();
  const lease = await ownedBy(a, key);
  expect(await b.own(key, soon(), NOT_WANTED)).toEqual({ owner: a.processId });
  await a.release(lease);
  await b.release(await ownedBy(b, key));
});

test('an owner hears of a caller of another process, which gets the lock when it is given up', async () => {
  const [a, b] = [await start(), await start()];
  const key = uniqueKey();
  let wanted = 0;
  const lease = await ownedBy(a, key, () => (wanted += 1));
  const waiting = b.acquire(key, soon());
  await until('the owner hears of it', () => wanted === 1);
  await a.release(lease);
  await b.release(await waiting);
});

test('an owner hears of a caller of its own process', async () => {
  const service = await start();
  const key = uniqueKey();
  let wanted = 0;
  const lease = await ownedBy(service, key, () => (wanted += 1));
  const waiting = service.acquire(key, soon());
  expect(wanted).toBe(1);
  await service.release(lease);
  const next = await waiting;
  // Other processes must not take this lease for an owner's.
  const other = await start();
  const theirs = other.own(key, soon(), NOT_WANTED);
  await service.release(next);
  const owned = await theirs;
  expect(owned).toMatchObject({ key });
  await other.release(owned as Lease);
});

test('the lock of an owner that has ended without a word goes to the next caller at once', async () => {
  const [gone, b] = [await start(), await start()];
  const key = uniqueKey();
  const redis = services.redis();
  await redis.set(key, `${gone.processId}-gone:o1`, 'PX', 60_000);
  const lease = await b.acquire(key, soon());
  await b.release(lease);
});

test('an owner that may wait for the lock does so behind another owner', async () => {
  const [a, b] = [await start(), await start()];
  const key = uniqueKey();
  let wanted = 0;
  const lease = await ownedBy(a, key, () => (wanted += 1));
  const waiting = b.own(key, soon(), NOT_WANTED, true);
  await until('the owner hears of it', () => wanted === 1);
  await a.release(lease);
  const owned = await waiting;
  expect(await a.own(key, soon(), NOT_WANTED)).toEqual({ owner: b.processId });
  await b.release(owned as Lease);
});

test('a caller of the same process that waits behind one that learns the owner is served', async () => {
  const [a, b] = [await start(), await start()];
  const key = uniqueKey();
  let wanted = 0;
  const lease = await ownedBy(a, key, () => (wanted += 1));
  const owner = b.own(key, soon(), NOT_WANTED);
  const waiting = b.acquire(key, soon());
  expect(await owner).toEqual({ owner: a.processId });
  await until('the owner hears of it', () => wanted === 1);
  await a.release(lease);
  await b.release(await waiting);
});

test('a text reaches a process, and a process that has stopped is known not to listen', async () => {
  const [a, b] = [await start(), await start()];
  const key = uniqueKey();
  const heard: string[] = [];
  b.onMail((text) => heard.push(text));
  expect(await a.tell(key, b.processId, '{"two": "words and ünïcode"}')).toBe(true);
  await until('it arrives', () => heard.length === 1);
  expect(heard).toEqual(['{"two": "words and ünïcode"}']);
  await b.stop();
  await until('it is gone', async () => !(await a.tell(key, b.processId, 'late')));
});

test('a process of another fleet is no owner: its lock is waited for', async () => {
  const [a, b] = [await start({ fleet: 'one' }), await start({ fleet: 'two' })];
  const key = uniqueKey();
  let wanted = 0;
  const lease = await ownedBy(a, key, () => (wanted += 1));
  const waiting = b.own(key, soon(), NOT_WANTED);
  await until('the owner hears of it', () => wanted === 1);
  await a.release(lease);
  expect(await waiting).toMatchObject({ key });
  await b.release((await waiting) as Lease);
});
