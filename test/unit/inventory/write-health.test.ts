import { WRITE_HEALTH, WriteHealth } from '../../../src/inventory/write-health.js';
import { Deadline } from '../../../src/time/deadline.js';
import { FakeClock } from '../../support/fake-clock.js';

const BROKEN = Object.assign(new Error('connect ECONNREFUSED 10.1.2.3:3306'), {
  code: 'ECONNREFUSED',
});

/** A process whose probes end when the test says so, with the lines of its log. */
function watched() {
  const clock = new FakeClock();
  const lines: string[] = [];
  const probes: ((error?: Error) => Promise<void>)[] = [];
  const health = new WriteHealth({
    clock,
    random: () => 1,
    log: {
      info: (_, message) => lines.push(message),
      warn: (details, message) => lines.push(`${message} ${JSON.stringify(details)}`),
    },
    probe: () =>
      new Promise((resolve, reject) => {
        probes.push(async (error) => {
          if (error) reject(error);
          else resolve();
          await microtasks();
        });
      }),
  });
  /** Ends the probe under way; without an error it has succeeded. */
  const endProbe = async (error?: Error) => {
    expect(probes.length).toBeGreaterThan(0);
    for (const end of probes.splice(0)) await end(error);
  };
  return { clock, lines, probes, health, endProbe };
}

async function microtasks(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

async function away() {
  const parts = watched();
  parts.health.begin().ended(BROKEN);
  await parts.endProbe(BROKEN);
  expect(parts.health.isWritable).toBe(false);
  return parts;
}

test('a broken connection is no reason to stop: the probe finds that the database takes writes', async () => {
  const { health, endProbe, lines } = watched();
  health.begin().ended(BROKEN);
  expect(health.isWritable).toBe(true);
  await endProbe();
  expect(health.isWritable).toBe(true);
  expect(lines).toEqual([]);
});

test('a lost race, locked rows and a commit send no probe', () => {
  const { health, probes, clock } = watched();
  health.begin().ended();
  health.begin().committed();
  clock.advance(WRITE_HEALTH.silenceMaxMs * 3);
  expect(probes).toEqual([]);
});

test('away and back are one line each, which name the code of the error and no address', async () => {
  const { health, endProbe, clock, lines } = await away();
  clock.advance(WRITE_HEALTH.pauses.maxMs);
  await endProbe(BROKEN);
  health.begin().ended(BROKEN);
  clock.advance(WRITE_HEALTH.pauses.maxMs);
  await endProbe();
  expect(health.report()).toEqual({ writable: true, since: clock.today() });
  expect(lines).toEqual([
    'The database takes no writes of this process. {"reason":"ECONNREFUSED"}',
    'The database takes writes of this process again.',
  ]);
});

test('a transaction without an answer is seen as silent and raises a doubt after a second', async () => {
  const { health, probes, clock } = watched();
  health.begin();
  clock.advance(WRITE_HEALTH.silenceMaxMs - 1);
  expect(health.silentMs).toBe(WRITE_HEALTH.silenceMaxMs - 1);
  expect(probes).toHaveLength(0);
  clock.advance(1);
  expect(probes).toHaveLength(1);
  clock.advance(WRITE_HEALTH.probeMaxMs);
  await microtasks();
  expect(health.report()).toMatchObject({ writable: false, reason: 'no answer within 2000 ms' });
});

test('a transaction without an answer raises no doubt while others are committed', () => {
  const { health, probes, clock } = watched();
  health.begin();
  for (let second = 0; second < 5; second += 1) {
    clock.advance(WRITE_HEALTH.silenceMaxMs - 1);
    health.begin().committed();
  }
  expect(probes).toHaveLength(0);
  clock.advance(WRITE_HEALTH.silenceMaxMs);
  expect(probes).toHaveLength(1);
});

test('a commit outweighs the failure of a probe that had begun before it', async () => {
  const { health, endProbe, clock, lines } = watched();
  const slow = health.begin();
  health.begin().ended(BROKEN);
  clock.advance(1);
  slow.committed();
  await endProbe(BROKEN);
  expect(health.isWritable).toBe(true);
  expect(lines).toEqual([]);
});

test('a commit ends the state of being away, and no further probe is sent', async () => {
  const { health, probes, clock } = await away();
  health.begin().committed();
  expect(health.isWritable).toBe(true);
  clock.advance(WRITE_HEALTH.pauses.maxMs * 2);
  expect(probes).toEqual([]);
});

test('the pauses between probes double up to the longest, and one probe is under way at a time', async () => {
  const { health, endProbe, probes, clock } = await away();
  const pauses: number[] = [];
  for (let probe = 0; probe < 7; probe += 1) {
    const beganMs = clock.nowMs();
    while (probes.length === 0) clock.advance(1);
    pauses.push(clock.nowMs() - beganMs);
    health.begin().ended(BROKEN);
    expect(probes).toHaveLength(1);
    await endProbe(BROKEN);
  }
  expect(pauses).toEqual([100, 200, 400, 800, 1_000, 1_000, 1_000]);
});

test('a wait for writes ends when they are back, at its deadline, or when its caller has gone', async () => {
  const { health, endProbe, clock } = await away();
  const caller = new AbortController();
  const back = health.whenWritable(Deadline.in(60_000, clock));
  const late = health.whenWritable(Deadline.in(10, clock));
  const gone = health.whenWritable(Deadline.in(60_000, clock, caller.signal));
  clock.advance(10);
  expect(await late).toBe(false);
  caller.abort();
  expect(await gone).toBe(false);
  expect(await health.whenWritable(Deadline.in(0, clock))).toBe(false);
  clock.advance(WRITE_HEALTH.pauses.maxMs);
  await endProbe();
  expect(await back).toBe(true);
  expect(await health.whenWritable(Deadline.in(0, clock))).toBe(true);
});

test('a stopped one sends no probe', async () => {
  const { health, probes, clock } = await away();
  health.begin();
  health.stop();
  clock.advance(60_000);
  health.begin().ended(BROKEN);
  expect(probes).toEqual([]);
});
