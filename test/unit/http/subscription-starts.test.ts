/** What is told of a subscription whose id is used again: nothing that would be taken for the second one's. */
import type { ExecutionResult } from 'graphql';
import { SubscriptionStarts } from '../../../src/http/subscription-starts.js';

type Stream = AsyncIterableIterator<ExecutionResult>;

/** A stream whose events the test gives, and whether it was ended. */
class Events {
  ended = false;
  give: (data: Record<string, unknown>) => void = () => undefined;
  readonly stream: Stream = {
    next: () =>
      this.ended
        ? Promise.resolve({ done: true, value: undefined })
        : new Promise((resolve) => {
            this.give = (data) => {
              resolve({ done: false, value: { data } });
            };
          }),
    return: () => {
      this.ended = true;
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** What it settles with in this turn of the event loop; `nothing` where it does not. */
function told(work: Promise<unknown>): Promise<unknown> {
  const later = new Promise((resolve) => setImmediate(resolve, 'nothing'));
  return Promise.race([work, later]);
}

async function streamOf(starts: SubscriptionStarts, id: string) {
  const events = new Events();
  const start = starts.begin(id);
  const stream = (await start.follow(Promise.resolve(events.stream))) as Stream;
  return { events, start, stream };
}

test('a subscription goes on while others use other ids, and ends as its stream does', async () => {
  const starts = new SubscriptionStarts();
  const { events, stream } = await streamOf(starts, '1');
  starts.begin('2');
  const next = stream.next();
  events.give({ n: 1 });
  expect(await told(next)).toEqual({ done: false, value: { data: { n: 1 } } });
  await stream.return?.();
  expect(events.ended).toBe(true);
  expect(await told(stream.next())).toEqual({ done: true, value: undefined });
});

test('a stream that begins after its id is used again is ended, and its start tells nothing', async () => {
  const starts = new SubscriptionStarts();
  const [first, second] = [starts.begin('1'), starts.begin('1')];
  const events = new Events();
  expect(await told(first.follow(Promise.resolve(events.stream)))).toBe('nothing');
  expect(events.ended).toBe(true);
  expect(await told(first.unlessReplaced('a refusal'))).toBe('nothing');
  expect(await told(second.unlessReplaced('a refusal'))).toBe('a refusal');
});

test('a stream whose id is used again tells neither its next event, nor a failure, nor its end', async () => {
  const starts = new SubscriptionStarts();
  const { events, start, stream } = await streamOf(starts, '1');
  const next = stream.next();
  await stream.return?.();
  start.end();
  starts.begin('1');
  events.give({ n: 1 });
  expect(await told(next)).toBe('nothing');
  expect(await told(stream.next())).toBe('nothing');
  expect(await told(start.unlessReplaced(Promise.reject(new Error('It failed.'))))).toBe('nothing');
});

test('a start whose id was used again tells nothing either when the second one has ended', async () => {
  const starts = new SubscriptionStarts();
  const first = starts.begin('1');
  starts.begin('1').end();
  const events = new Events();
  expect(await told(first.follow(Promise.resolve(events.stream)))).toBe('nothing');
  expect(events.ended).toBe(true);
  const late = starts.begin('2');
  starts.begin('2').end();
  expect(await told(late.follow(Promise.reject(new Error('It failed.'))))).toBe('nothing');
});

test('all streams end with the socket, also one whose id is used again and one that begins later', async () => {
  const starts = new SubscriptionStarts();
  const pending = starts.begin('1');
  const opened = [await streamOf(starts, '2'), await streamOf(starts, '2')];
  starts.close();
  expect(opened.map(({ events }) => events.ended)).toEqual([true, true]);
  const late = new Events();
  await pending.follow(Promise.resolve(late.stream));
  expect(late.ended).toBe(true);
});

test('a stream that has ended is not ended again with the socket', async () => {
  const starts = new SubscriptionStarts();
  const { events, start, stream } = await streamOf(starts, '1');
  await stream.return?.();
  start.end();
  events.ended = false;
  starts.close();
  expect(events.ended).toBe(false);
});
