/** How many entries of lists are read at once, and which read is next. */
import type { RequestContext } from '../../../src/graphql/context.js';
import { RoomForReads } from '../../../src/graphql/room-for-reads.js';
import { systemClock } from '../../../src/time/clock.js';
import { Deadline } from '../../../src/time/deadline.js';

const all: Read[] = [];

/** What still waits would keep its timer. */
afterEach(async () => {
  for (const read of all.splice(0)) await read.hangUp();
});

/** A read that has entered or waits. */
class Read {
  state: 'waiting' | 'reading' | 'refused' = 'waiting';
  private readonly ends: (() => void)[] = [];
  private readonly hungUp = new AbortController();

  constructor(
    room: RoomForReads,
    readonly principal: string,
    nodes: number,
    { leftMs = 60_000, gone = false } = {},
  ) {
    if (gone) this.hungUp.abort();
    const context = {
      caller: { principal, deadline: Deadline.in(leftMs, systemClock, this.hungUp.signal) },
      onEnd: (callback: () => void) => this.ends.push(callback),
    } as unknown as RequestContext;
    all.push(this);
    room.enter(context, nodes).then(
      () => (this.state = 'reading'),
      () => (this.state = 'refused'),
    );
  }

  async end(): Promise<void> {
    for (const callback of this.ends.splice(0)) callback();
    await settled();
  }

  async hangUp(): Promise<void> {
    this.hungUp.abort();
    await settled();
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const states = (reads: readonly Read[]) => reads.map(({ state }) => state);

test('one client has half of the room, and another one enters beside it', async () => {
  const room = new RoomForReads(4_000);
  const greedy = Array.from({ length: 4 }, () => new Read(room, 'greedy', 1_000));
  const other = new Read(room, 'other', 1_000);
  await settled();
  expect(states(greedy)).toEqual(['reading', 'reading', 'waiting', 'waiting']);
  expect(other.state).toBe('reading');
  await greedy[0]?.end();
  expect(states(greedy)).toEqual(['reading', 'reading', 'reading', 'waiting']);
});

test('clients that wait are next in turns, and room that fits several is given to several', async () => {
  const room = new RoomForReads(4_000);
  const full = ['a', 'b'].flatMap((name) => [
    new Read(room, name, 1_000),
    new Read(room, name, 1_000),
  ]);
  const waiting = ['c', 'c', 'c', 'd'].map((name) => new Read(room, name, 500));
  await settled();
  expect(states(waiting)).toEqual(waiting.map(() => 'waiting'));
  await full[0]?.end();
  expect(states(waiting)).toEqual(['reading', 'waiting', 'waiting', 'reading']);
  await full[1]?.end();
  expect(states(waiting)).toEqual(waiting.map(() => 'reading'));
});

test('a read that hangs up or is late leaves its place in the line, and takes no room', async () => {
  const room = new RoomForReads(2_000);
  const [first, gone, late, last] = [
    new Read(room, 'a', 1_000),
    new Read(room, 'a', 1_000),
    new Read(room, 'a', 1_000, { leftMs: 20 }),
    new Read(room, 'a', 1_000),
  ];
  await gone.hangUp();
  expect(gone.state).toBe('refused');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(late.state).toBe('refused');
  expect(last.state).toBe('waiting');
  await first.end();
  expect(last.state).toBe('reading');
  await last.end();
  const again = new Read(room, 'a', 1_000);
  await settled();
  expect(again.state).toBe('reading');
});

test('a read whose caller has gone before it waits takes no place in the line', async () => {
  const room = new RoomForReads(2_000);
  const first = new Read(room, 'a', 1_000);
  const gone = new Read(room, 'a', 1_000, { gone: true });
  const next = new Read(room, 'a', 1_000);
  await settled();
  expect(gone.state).toBe('refused');
  await first.end();
  expect([gone.state, next.state]).toEqual(['refused', 'reading']);
});

test('a large read has its turn, however many small ones come after it', async () => {
  const room = new RoomForReads(4_000);
  const small = ['a', 'b', 'c', 'd'].map((name) => new Read(room, name, 900));
  const large = new Read(room, 'large', 1_000);
  const later = ['e', 'f'].map((name) => new Read(room, name, 100));
  await settled();
  expect(states([large, ...later])).toEqual(['waiting', 'waiting', 'waiting']);
  await small[0]?.end();
  expect(states([large, ...later])).toEqual(['reading', 'reading', 'reading']);
});

test('small reads that waited behind a large one go on where it gives up', async () => {
  const room = new RoomForReads(4_000);
  for (const name of ['a', 'b', 'c', 'd']) new Read(room, name, 900);
  const large = new Read(room, 'large', 1_000);
  const later = new Read(room, 'e', 100);
  await large.hangUp();
  expect(states([large, later])).toEqual(['refused', 'reading']);
});

test('a client that waits for its own half delays no other', async () => {
  const room = new RoomForReads(4_000);
  const greedy = Array.from({ length: 3 }, () => new Read(room, 'greedy', 1_000));
  const others = ['a', 'b'].map((name) => new Read(room, name, 500));
  await settled();
  expect(states([...greedy, ...others])).toEqual([
    ...['reading', 'reading', 'waiting'],
    ...['reading', 'reading'],
  ]);
});
