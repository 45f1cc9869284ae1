/** What a watch does with errors that a real server seldom sends, on a WebSocket of the test's own. */
import {
  createStockadeClient,
  StockadeError,
  type ClientSettings,
  type StockNews,
} from '../../../client/stockade-client.js';

interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

const HAPPENED = { __typename: 'StockChange', productId: 'lamp', productAvailable: 3 };
const CHANGE = { type: 'next', payload: { data: { stockChanged: HAPPENED } } };

function faults(code: string) {
  return [{ message: 'No.', extensions: { code } }];
}

/** A client whose subscriptions get these messages, those of one list each, and the number of its subscriptions. */
function connect(
  subscriptions: readonly (readonly Message[])[],
  more: Partial<ClientSettings> = {},
) {
  let begun = 0;
  let reads = 0;
  class Socket {
    static readonly CONNECTING = 0;
    static readonly OPEN = 1;
    static readonly CLOSING = 2;
    static readonly CLOSED = 3;
    readyState = Socket.OPEN;
    onopen: () => void = () => undefined;
    onmessage: (event: { data: string }) => void = () => undefined;
    onclose: (event: object) => void = () => undefined;

    constructor() {
      setImmediate(() => {
        this.onopen();
      });
    }

    send(text: string): void {
      const { type, id } = JSON.parse(text) as Message;
      if (type === 'connection_init') this.hear({ type: 'connection_ack' });
      if (type !== 'subscribe') return;
      for (const message of subscriptions[begun] ?? []) {
        if (message.type === 'lost') this.lose();
        else this.hear({ id, ...message } as Message);
      }
      begun += 1;
    }

    close(): void {
      this.readyState = Socket.CLOSED;
      this.onclose({ code: 1000, reason: '' });
    }

    private lose(): void {
      this.readyState = Socket.CLOSED;
      setTimeout(() => {
        this.onclose({ code: 1006, reason: '' });
      }, 10);
    }

    private hear(message: Message): void {
      setImmediate(() => {
        this.onmessage({ data: JSON.stringify(message) });
      });
    }
  }
  const client = createStockadeClient({
    url: 'http://stock.example/graphql',
    webSocket: Socket,
    retries: { firstMs: 1, maxMs: 1 },
    fetch: () => {
      reads += 1;
      const pageInfo = { hasNextPage: false, endCursor: null };
      return Promise.resolve(Response.json({ data: { products: { nodes: [], pageInfo } } }));
    },
    ...more,
  });
  return { client, begun: () => begun, reads: () => reads };
}

/** The news until the first change, or the error that comes before it. */
async function untilChanged(watch: AsyncIterable<StockNews>): Promise<unknown> {
  const all: StockNews[] = [];
  try {
    for await (const news of watch) {
      all.push(news);
      if (news.kind === 'changed') break;
    }
    return all;
  } catch (error) {
    return error;
  }
}

test.each(['RATE_LIMITED', 'OVERLOADED', 'UNAVAILABLE'])(
  'a subscription that is refused with %s begins again',
  async (code) => {
    const refused = { type: 'error', payload: faults(code) };
    const { client, begun, reads } = connect([[refused], [refused], [CHANGE]]);
    const news = (await untilChanged(client.stockChanged())) as StockNews[];
    expect(news.at(-1)).toEqual({ kind: 'changed', change: HAPPENED });
    expect(begun()).toBe(3);
    // Before the connection and after it; none for a refusal.
    expect(reads()).toBe(2);
  },
);

test('a change that the server could not resolve for a time is followed by a read, and the watch goes on', async () => {
  const lost = { type: 'next', payload: { data: null, errors: faults('UNAVAILABLE') } };
  const { client, begun, reads } = connect([[lost, CHANGE]]);
  const news = (await untilChanged(client.stockChanged())) as StockNews[];
  expect(news.map(({ kind }) => kind)).toEqual(['read', 'read', 'changed']);
  expect(begun()).toBe(1);
  // The first one asks whether the server answers at all.
  expect(reads()).toBe(3);
});

test('a lost watch outlives other answers of a proxy, and a credential that cannot be had', async () => {
  const page = { nodes: [], pageInfo: { hasNextPage: false, endCursor: null } };
  const answers: (() => Promise<Response>)[] = [
    () => Promise.resolve(new Response('<html>', { status: 404 })),
    () => Promise.resolve(new Response('', { status: 520 })),
  ];
  let failuresLeft = 3;
  const { client, begun } = connect([[{ type: 'lost' }], [CHANGE]], {
    credential: () => {
      if (begun() === 0 || failuresLeft === 0) return 'k.s';
      failuresLeft -= 1;
      return Promise.reject(new Error('No network.'));
    },
    fetch: () => {
      const answer = begun() === 1 ? answers.shift() : undefined;
      return answer?.() ?? Promise.resolve(Response.json({ data: { products: page } }));
    },
  });
  const news = (await untilChanged(client.stockChanged())) as StockNews[];
  expect(news.at(-1)).toEqual({ kind: 'changed', change: HAPPENED });
  expect([answers, failuresLeft]).toEqual([[], 0]);
});

test.each([
  ['refusal', { type: 'error', payload: faults('FORBIDDEN') }, 'FORBIDDEN'],
  [
    'change',
    { type: 'next', payload: { data: null, errors: faults('INTERNAL_SERVER_ERROR') } },
    'INTERNAL_SERVER_ERROR',
  ],
])('a %s that does not pass ends the watch with its code', async (_, message, code) => {
  const { client, begun } = connect([[message], [CHANGE]]);
  const failure = await untilChanged(client.stockChanged());
  expect(failure).toBeInstanceOf(StockadeError);
  expect(failure).toMatchObject({ code, faults: faults(code) });
  expect(begun()).toBe(1);
});
