/** Equal subscriptions are executed once for each event, and others are not mixed up with them. */
import { GraphQLInt, GraphQLObjectType, GraphQLSchema, parse } from 'graphql';
import type { RequestContext } from '../../../src/graphql/context.js';
import {
  SharedSubscriptions,
  type SubscriptionArgs,
} from '../../../src/http/shared-subscriptions.js';
import { RateLimitedError } from '../../../src/rate-limit/request-limit.js';

const executed: number[] = [];

/** What the test gives to all its subscriptions. */
class Source {
  private readonly takers = new Set<(event: object) => void>();

  async *events(): AsyncGenerator<object> {
    for (;;) yield await new Promise<object>((resolve) => this.takers.add(resolve));
  }

  async tell(event: object): Promise<void> {
    const takers = [...this.takers];
    this.takers.clear();
    for (const take of takers) take(event);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

let source: Source;

/** The room for lists, whose answers the test gives. */
const room = {
  waiting: [] as { admit(): void; refuse(): void }[],
  left: 0,
  /** Of whom an event was read, one after another. */
  entered: [] as (string | null)[],
  loads: new Map<string, number>(),
  enter: ({ caller }: RequestContext) =>
    new Promise<void>((resolve, reject) => {
      room.entered.push(caller.principal);
      const refuse = () => {
        reject(new RateLimitedError(1_000, 'No room.'));
      };
      room.waiting.push({ admit: resolve, refuse });
    }),
  loadOf: (client: string) => room.loads.get(client) ?? 0,
};

const schema = new GraphQLSchema({
  query: new GraphQLObjectType({ name: 'Query', fields: { one: { type: GraphQLInt } } }),
  subscription: new GraphQLObjectType({
    name: 'Subscription',
    fields: {
      number: {
        type: GraphQLInt,
        args: { plus: { type: GraphQLInt } },
        subscribe: () => source.events(),
        resolve: (event: { readonly n?: number }, { plus }: { readonly plus?: number | null }) => {
          // Of changes that were missed.
          if (event.n === undefined) return null;
          executed.push(event.n);
          if (event.n < 0) throw new Error('A negative number.');
          return event.n + (plus ?? 0);
        },
      },
    },
  }),
});

beforeEach(() => {
  source = new Source();
  executed.length = 0;
  room.left = 0;
  room.entered.length = 0;
  room.loads.clear();
});

function argsOf(
  text: string,
  variableValues: Record<string, unknown> = {},
  scopes: string[] = [],
  { nodes = 0, principal = 'p' } = {},
): SubscriptionArgs {
  const contextValue: object = {
    principal: { name: principal, scopes: new Set(scopes) },
    caller: { principal },
    forEvent: () => contextValue,
    end: () => (room.left += 1),
  };
  return { schema, document: parse(text), variableValues, contextValue, text, nodes } as never;
}

async function heardBy(shared: SharedSubscriptions, args: SubscriptionArgs) {
  const heard: unknown[] = [];
  let ends = 0;
  const stream = await shared.subscribe(args, () => (ends += 1));
  if (!('next' in stream)) throw new Error(JSON.stringify(stream));
  const reading = (async () => {
    for await (const { data, errors } of stream) heard.push(errors ? 'error' : data?.number);
  })();
  await new Promise((resolve) => setImmediate(resolve));
  const stop = async () => {
    const ended = stream.return?.();
    await source.tell({ n: 0 });
    await ended;
    await reading;
  };
  return { heard, stop, ends: () => ends };
}

test('a hundred equal subscriptions cost one execution for each event', async () => {
  const shared = new SharedSubscriptions(room);
  const all = [];
  for (let i = 0; i < 100; i += 1)
    all.push(await heardBy(shared, argsOf('subscription { number }')));
  for (const n of [1, 2, 3]) await source.tell({ n });
  expect(all.map(({ heard }) => heard)).toEqual(all.map(() => [1, 2, 3]));
  expect(executed).toEqual([1, 2, 3]);
});

test('other variables, names, scopes and texts are other operations', async () => {
  const shared = new SharedSubscriptions(room);
  const query = 'subscription S($plus: Int) { number(plus: $plus) }';
  const all = [
    await heardBy(shared, argsOf(query)),
    await heardBy(shared, argsOf(query, { plus: 1 })),
    await heardBy(shared, argsOf(query, { plus: 2 })),
    await heardBy(shared, argsOf(query, { plus: 2 }, ['read'])),
    await heardBy(shared, argsOf(`${query} # other`, { plus: 2 }, ['read'])),
  ];
  await source.tell({ n: 10 });
  expect(all.map(({ heard }) => heard)).toEqual([[10], [11], [12], [12], [12]]);
  expect(executed).toHaveLength(5);
});

test('an error goes to all of them, and the next event follows it', async () => {
  const shared = new SharedSubscriptions(room);
  const args = argsOf('subscription { number }');
  const all = [await heardBy(shared, args), await heardBy(shared, args)];
  await source.tell({ n: -1 });
  await source.tell({ n: 1 });
  expect(all.map(({ heard }) => heard)).toEqual([
    ['error', 1],
    ['error', 1],
  ]);
});

test('a text is kept while one of its subscriptions is open, and each end is told once', async () => {
  const shared = new SharedSubscriptions(room);
  const text = 'subscription { number }';
  const args = argsOf(text);
  const [first, second] = [await heardBy(shared, args), await heardBy(shared, args)];
  expect(shared.documentOf(text)).toBe(args.document);
  expect(shared.documentOf(`${text} `)).toBeNull();
  await first.stop();
  expect([first.ends(), second.ends()]).toEqual([1, 0]);
  expect(shared.documentOf(text)).toBe(args.document);
  await second.stop();
  expect([first.ends(), second.ends()]).toEqual([1, 1]);
  expect(shared.documentOf(text)).toBeNull();
});

test('a subscription that does not begin ends at once', async () => {
  const shared = new SharedSubscriptions(room);
  let ends = 0;
  const args = argsOf('subscription ($plus: Int!) { number(plus: $plus) }');
  const outcome = await shared.subscribe(args, () => (ends += 1));
  expect(outcome).toMatchObject({ errors: [{}] });
  expect(ends).toBe(1);
});

test('an event that reads lists has room once for all, and leaves it; without room it is told as missed', async () => {
  const shared = new SharedSubscriptions(room);
  const args = argsOf('subscription { number }', {}, [], { nodes: 100 });
  const all = [await heardBy(shared, args), await heardBy(shared, args)];
  await source.tell({ n: 1 });
  expect([executed, room.waiting.length]).toEqual([[], 1]);
  const answer = async (how: 'admit' | 'refuse') => {
    room.waiting.shift()?.[how]();
    await new Promise((resolve) => setImmediate(resolve));
  };
  await answer('admit');
  expect([executed, room.left]).toEqual([[1], 1]);
  await source.tell({ n: 2 });
  await answer('refuse');
  await source.tell({ n: 3 });
  await answer('admit');
  expect(all.map(({ heard }) => heard)).toEqual(all.map(() => [1, null, 3]));
  expect(room.left).toBe(3);
});

test('an event counts for the client that reads least of those that have the subscription open', async () => {
  const shared = new SharedSubscriptions(room);
  const of = (principal: string) =>
    heardBy(shared, argsOf('subscription { number }', {}, [], { nodes: 100, principal }));
  const [busy, idle] = [await of('busy'), await of('idle')];
  room.loads.set('busy', Infinity);
  const admit = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    room.waiting.shift()?.admit();
    await new Promise((resolve) => setImmediate(resolve));
  };
  const tell = (n: number) => Promise.all([source.tell({ n }), admit()]);
  await tell(1);
  room.loads.set('idle', 500).set('busy', 100);
  await tell(2);
  await Promise.all([idle.stop(), admit()]);
  room.loads.set('idle', 0);
  await tell(3);
  expect(room.entered).toEqual(['idle', 'busy', 'busy', 'busy']);
  expect(busy.heard).toEqual([1, 2, 0, 3]);
});
