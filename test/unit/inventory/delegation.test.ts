/**
 * Two processes on simulated time, a store in memory and a lock service that passes texts between them: what becomes of
 * each message that is lost, late, doubled or forged. Needs no services.
 */
import { Delegation } from '../../../src/inventory/delegation/delegation.js';
import { FleetMail } from '../../../src/inventory/delegation/fleet-mail.js';
import { RESEND_MS, SILENCE_MAX_MS } from '../../../src/inventory/delegation/outgoing-lines.js';
import type { Turns } from '../../../src/inventory/lanes/turns.js';
import { LINES_MAX } from '../../../src/inventory/stock.js';
import { SeededRandom } from '../../../src/simulation/seeded-random.js';
import { COMMIT_MS, openLanes } from '../../support/simulated-lanes.js';

const SECRET = Buffer.alloc(32, 'secret');

type Fate = 'DELIVERED' | 'LOST' | 'TWICE' | 'LATE' | 'NOT_HEARD';

/** The texts between the processes, and what becomes of the next ones. */
class Wire {
  readonly texts: { readonly to: string; readonly text: string }[] = [];
  fates: Fate[] = [];
  readonly receivers = new Map<string, (text: string) => void>();

  constructor(private readonly after: (ms: number, what: () => void) => void) {}

  lockOf(processId: string) {
    return {
      processId,
      routeOf: () => '',
      onMail: (receive: (text: string) => void) => void this.receivers.set(processId, receive),
      tell: (_key: string, to: string, text: string) => {
        this.texts.push({ to, text });
        const fate = this.fates.shift() ?? 'DELIVERED';
        const deliver = () => this.receivers.get(to)?.(text);
        if (fate === 'DELIVERED' || fate === 'TWICE') this.after(1, deliver);
        if (fate === 'TWICE') this.after(2, deliver);
        if (fate === 'LATE') this.after(RESEND_MS + 250, deliver);
        return Promise.resolve(fate !== 'NOT_HEARD');
      },
    };
  }
}

/** Process a owns each product; process b is told so, until it is to wait for the lock. */
function openFleet(queueMaxOfOwner = 1_000) {
  const random = new SeededRandom(3);
  const granted = () =>
    Promise.resolve({
      isOwned: true,
      isOver: false,
      isContended: () => false,
      fencingTokenOf: () => null,
      end: () => undefined,
    });
  const asked: boolean[] = [];
  const turnsOfA: Turns = { take: granted, own: granted };
  const turnsOfB: Turns = {
    take: granted,
    own: (_product, _deadline, { queues }) => {
      asked.push(queues);
      return queues ? granted() : Promise.resolve({ owner: 'a' });
    },
  };
  const wires: Wire[] = [];
  const a = openLanes({
    turns: turnsOfA,
    queueMax: queueMaxOfOwner,
    delegationOf: (time, clock) => {
      const wire = new Wire((ms, what) => void time.after(ms, 'wire', what));
      wires.push(wire);
      return new Delegation(wire.lockOf('a'), SECRET, clock, random.bytes);
    },
  });
  const [wire] = wires;
  if (!wire) throw new Error('It has a wire.');
  const b = openLanes({
    beside: a,
    turns: turnsOfB,
    delegationOf: (_time, clock) => new Delegation(wire.lockOf('b'), SECRET, clock, random.bytes),
  });
  return { a, b, wire, asked, time: a.time, database: a.database };
}

/** A product that process a owns, with ten units. */
async function openOwned(queueMaxOfOwner?: number) {
  const fleet = openFleet(queueMaxOfOwner);
  fleet.database.createProduct('p', 10);
  const owning = fleet.a.deduct('p', 'first');
  await fleet.time.runUntil(fleet.time.nowMs + 3 * COMMIT_MS);
  expect(await owning).toBe(9);
  return fleet;
}

const run = (
  { time }: { readonly time: { nowMs: number; runUntil(ms: number): Promise<void> } },
  ms: number,
) => time.runUntil(time.nowMs + ms);

test('a line is decided by the owner, and answered at its own process', async () => {
  const fleet = await openOwned();
  const answer = fleet.b.deduct('p', 'remote');
  await run(fleet, 5 * COMMIT_MS);
  expect(await answer).toBe(8);
  expect(fleet.a.batches).toEqual([['first'], ['remote']]);
  expect(fleet.b.batches).toEqual([]);
  expect(fleet.b.delegation?.stats().outgoing.answered).toBe(1);
});

test('lines of one turn of the event loop are one message each way', async () => {
  const fleet = await openOwned();
  const answers = Promise.all(['x', 'y', 'z'].map((name) => fleet.b.deduct('p', name)));
  await run(fleet, 5 * COMMIT_MS);
  expect(await answers).toEqual([8, 7, 6]);
  expect(fleet.wire.texts).toHaveLength(2);
});

test('an offer that is lost is sent again as the next attempt', async () => {
  const fleet = await openOwned();
  fleet.wire.fates = ['LOST'];
  const answer = fleet.b.deduct('p', 'remote');
  await run(fleet, RESEND_MS + 200);
  expect(await answer).toBe(8);
  expect(fleet.database.ledger).toHaveLength(3);
  expect(fleet.b.delegation?.stats().outgoing.sentAgain).toBe(1);
});

test('an answer that is lost is given to the next attempt', async () => {
  const fleet = await openOwned();
  fleet.wire.fates = ['DELIVERED', 'LOST'];
  const answer = fleet.b.deduct('p', 'remote');
  await run(fleet, RESEND_MS + 200);
  expect(await answer).toBe(8);
  expect(fleet.database.ledger).toHaveLength(3);
});

test('a line that is sent again while it waits is decided once', async () => {
  const fleet = await openOwned();
  fleet.a.commit.ms = 2 * SILENCE_MAX_MS;
  const answer = fleet.b.deduct('p', 'remote', { ms: 20_000 });
  await run(fleet, 3 * SILENCE_MAX_MS);
  expect(await answer).toBe(8);
  expect(fleet.a.batches).toEqual([['first'], ['remote']]);
  expect(fleet.a.delegation?.stats().incoming.knownAlready).toBeGreaterThan(2);
});

test('a message that arrives twice is dropped once', async () => {
  const fleet = await openOwned();
  fleet.wire.fates = ['TWICE', 'TWICE'];
  const answer = fleet.b.deduct('p', 'remote');
  await run(fleet, 5 * COMMIT_MS);
  expect(await answer).toBe(8);
  expect(fleet.database.ledger).toHaveLength(3);
  expect(fleet.a.delegation?.stats().dropped.repeated).toBe(1);
  expect(fleet.b.delegation?.stats().dropped.repeated).toBe(1);
});

test('an answer to an earlier attempt is ignored', async () => {
  const fleet = await openOwned();
  fleet.wire.fates = ['DELIVERED', 'LATE'];
  const refused = fleet.b.verdictOf('p', 'remote', { items: [{ productId: 'p', quantity: 10 }] });
  await run(fleet, RESEND_MS / 2);
  const increase = fleet.a.deduct('p', 'other');
  await run(fleet, RESEND_MS + 400);
  expect(await increase).toBe(8);
  // The second attempt was given the first one's answer again, before that one came.
  expect(await refused).toMatchObject({ failure: { code: 'INSUFFICIENT_STOCK', available: 9 } });
  expect(fleet.a.batches).toEqual([['first'], ['remote'], ['other']]);
  expect(fleet.b.delegation?.stats().outgoing.answered).toBe(1);
});

test('a process that does not own the product gives the line back', async () => {
  const fleet = openFleet();
  fleet.database.createProduct('p', 10);
  const answer = fleet.b.deduct('p', 'remote');
  await run(fleet, 5 * COMMIT_MS);
  expect(await answer).toBe(9);
  // It is asked once without waiting, and then as one that waits.
  expect(fleet.asked).toEqual([false, true]);
  expect(fleet.a.delegation?.stats().incoming.givenBack).toBe(1);
});

test('an owner that does not listen has not taken a first attempt', async () => {
  const fleet = await openOwned();
  fleet.wire.fates = ['NOT_HEARD'];
  const answer = fleet.b.deduct('p', 'remote');
  await run(fleet, 5 * COMMIT_MS);
  expect(await answer).toBe(8);
  expect(fleet.b.delegation?.stats().outgoing).toMatchObject({ notTaken: 1, unknown: 0 });
});

test('an owner that is silent for too long is left, and its late attempt is not applied', async () => {
  const fleet = await openOwned();
  fleet.wire.fates = ['LOST', 'LOST', 'LOST', 'LOST', 'LOST', 'LOST', 'LOST', 'LOST'];
  const answer = fleet.b.deduct('p', 'remote', { items: [{ productId: 'p', quantity: 20 }] });
  await run(fleet, SILENCE_MAX_MS + 500);
  expect(await answer).toBe('INSUFFICIENT_STOCK');
  // A text that was held up for so long comes now, when there is enough.
  fleet.database.createProduct('q', 0);
  const { text } = fleet.wire.texts[0] ?? { text: '' };
  const level = fleet.database.levels.get('p/default');
  if (!level) throw new Error('It is there.');
  fleet.database.levels.set('p/default', { ...level, onHand: 100, version: level.version + 1 });
  fleet.wire.receivers.get('a')?.(text);
  await run(fleet, 20 * COMMIT_MS);
  expect(fleet.database.levels.get('p/default')?.onHand).toBe(100);
});

test('a line whose caller hangs up is not decided', async () => {
  const fleet = await openOwned();
  fleet.a.commit.ms = 500;
  const before = fleet.a.deduct('p', 'before');
  await run(fleet, 20);
  const caller = new AbortController();
  const answer = fleet.b.deduct('p', 'gone', { signal: caller.signal });
  await run(fleet, 50);
  caller.abort();
  await run(fleet, 1_500);
  expect(await before).toBe(8);
  expect(['MAY_HAVE_APPLIED', 'UNAVAILABLE']).toContain(await answer);
  expect(fleet.a.batches).toEqual([['first'], ['before']]);
});

test('an owner that resigns gives back what it has not begun, and answers what it has', async () => {
  const fleet = await openOwned();
  fleet.a.commit.ms = 200;
  const begun = fleet.b.deduct('p', 'begun');
  await run(fleet, 20);
  const waiting = fleet.b.deduct('p', 'waiting');
  await run(fleet, 20);
  fleet.a.stock.resign();
  await run(fleet, 1_000);
  expect(await begun).toBe(8);
  expect(await waiting).toBe(7);
  expect(fleet.a.batches).toEqual([['first'], ['begun']]);
  expect(fleet.b.batches).toEqual([['waiting']]);
});

test('the bound of the owner holds for lines of other processes', async () => {
  const fleet = await openOwned(10);
  fleet.a.commit.ms = 500;
  const busy = fleet.a.deduct('p', 'busy');
  await run(fleet, 20);
  const answers = Promise.all(
    Array.from({ length: 12 }, (_, i) => fleet.b.deduct('p', `many-${i}`)),
  );
  await run(fleet, 3_000);
  await busy;
  expect((await answers).filter((answer) => answer === 'OVERLOADED')).toHaveLength(2);
});

test('the bound of the owner holds for a request that another process sends many times', async () => {
  const fleet = await openOwned(10);
  fleet.a.commit.ms = 500;
  const busy = fleet.a.deduct('p', 'busy');
  await run(fleet, 20);
  const again = () => fleet.b.deduct('p', 'again', { idempotencyKey: 'k' });
  const answers = Promise.all(Array.from({ length: 300 }, again));
  await run(fleet, 3_000);
  await busy;
  // The lines of one request may be beyond the bound, together.
  const refused = (await answers).filter((answer) => answer === 'OVERLOADED');
  expect(refused.length).toBeGreaterThanOrEqual(300 - 10 - LINES_MAX);
});

test('a refusal that crosses the next attempt is repeated, and the line does not wait once more', async () => {
  const fleet = await openOwned();
  fleet.a.commit.ms = 4_000;
  const busy = fleet.a.deduct('p', 'busy');
  await run(fleet, 20);
  fleet.wire.fates = ['DELIVERED', 'LATE'];
  const began = fleet.time.nowMs;
  const answer = fleet.b.deduct('p', 'brief', { maxWaitMs: 200 }).then((told) => ({
    told,
    afterMs: fleet.time.nowMs - began,
  }));
  await run(fleet, 8_000);
  const { told, afterMs } = await answer;
  expect(told).toBe('LOCK_TIMEOUT');
  expect(afterMs).toBeLessThan(1_000);
  await busy;
});

test('a later attempt is not refused as one that nothing was done for', async () => {
  const fleet = await openOwned(2);
  fleet.wire.fates = ['DELIVERED', 'LOST'];
  const answer = fleet.b.deduct('p', 'applied');
  await run(fleet, RESEND_MS - 50);
  fleet.a.commit.ms = 1_000;
  // The next attempt finds the queue full.
  const filling = Promise.all(['x', 'y', 'z'].map((name) => fleet.a.deduct('p', name)));
  await run(fleet, 6_000);
  await filling;
  expect(await answer).toBe(8);
});

test('a forged message is counted and dropped', async () => {
  const fleet = await openOwned();
  const receive = fleet.wire.receivers.get('a');
  const forger = new FleetMail('b', Buffer.alloc(32, 'guess'));
  receive?.(forger.seal('a', '["OFFERS",[]]'));
  receive?.('no message at all');
  receive?.('9 b a 1 0123456789012345678901234567890123456789012 ["OFFERS",[]]');
  const genuine = new FleetMail('b', SECRET);
  receive?.(genuine.seal('another', '["OFFERS",[]]'));
  receive?.(genuine.seal('a', '["OFFERS",[["no id"]]]'));
  receive?.(genuine.seal('a', '{"OFFERS":1}'));
  await run(fleet, 100);
  expect(fleet.a.delegation?.stats().dropped).toEqual({
    malformed: 3,
    version: 1,
    forged: 2,
    repeated: 0,
  });
  expect(fleet.a.batches).toEqual([['first']]);
});

test('numbers may come out of order, but not twice, and not from long ago', () => {
  const sender = new FleetMail('b', SECRET);
  const receiver = new FleetMail('a', SECRET);
  const texts = Array.from({ length: 700 }, (_, i) => sender.seal('a', String(i)));
  const open = (at: number) => {
    const letter = receiver.open(texts[at] ?? '');
    return typeof letter === 'string' ? letter : letter.body;
  };
  expect([open(1), open(0), open(1), open(0)]).toEqual(['1', '0', 'repeated', 'repeated']);
  expect([open(699), open(300), open(699), open(5)]).toEqual([
    '699',
    '300',
    'repeated',
    'repeated',
  ]);
});
