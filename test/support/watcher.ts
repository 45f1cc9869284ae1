/** A subscriber as a client's program would be one: graphql-ws's client on a real socket, and what it has heard. */
import { print, type DocumentNode } from 'graphql';
import { createClient, type Client } from 'graphql-ws';
import { WebSocket } from 'ws';
import { StockChangedDocument, type StockChangedSubscription } from '../generated/operations.js';
import { until } from './until.js';

export type WatchedEvent = StockChangedSubscription['stockChanged'];
export type WatchedChange = Extract<WatchedEvent, { __typename: 'StockChange' }>;

export interface WatchFault {
  readonly message: string;
  readonly extensions?: Readonly<Record<string, unknown>>;
}

export interface Watcher {
  readonly events: WatchedEvent[];
  readonly faults: WatchFault[];
  /** The codes with which its sockets were closed. */
  readonly closed: number[];
  ended: boolean;
  changes(): WatchedChange[];
  missed(): number;
  /** Holds what the network has to itself, as a client does that is too busy to read. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

export interface WatchOptions {
  readonly document?: DocumentNode | string;
  readonly variables?: Record<string, unknown>;
  /** As in a header of that name. */
  readonly authorization?: string;
}

const watchers = new Set<Watcher>();

/** For afterEach: what a failed test has left. */
export async function stopWatchers(): Promise<void> {
  await Promise.all([...watchers].map((watcher) => watcher.stop()));
}

export function webSocketUrl(graphqlUrl: string): string {
  return graphqlUrl.replace(/^http/, 'ws');
}

/** Subscribes; events come when the server has got so far, see `untilWatching`. */
export function watch(graphqlUrl: string, options: WatchOptions = {}): Watcher {
  const sockets: WebSocket[] = [];
  const client: Client = createClient({
    url: webSocketUrl(graphqlUrl),
    webSocketImpl: class extends WebSocket {
      constructor(...args: ConstructorParameters<typeof WebSocket>) {
        super(...args);
        sockets.push(this);
      }
    },
    retryAttempts: 0,
    ...(options.authorization && {
      connectionParams: { authorization: options.authorization },
    }),
    on: {
      closed: (event) => {
        watcher.closed.push((event as { readonly code: number }).code);
      },
    },
  });
  const watcher: Watcher = {
    events: [],
    faults: [],
    closed: [],
    ended: false,
    changes: () => watcher.events.filter((event) => event.__typename === 'StockChange'),
    missed: () => watcher.events.filter((e) => e.__typename === 'StockChangesMissed').length,
    pause: () => {
      for (const socket of sockets) socket.pause();
    },
    resume: () => {
      for (const socket of sockets) socket.resume();
    },
    stop: async () => {
      watchers.delete(watcher);
      watcher.resume();
      await client.dispose();
    },
  };
  watchers.add(watcher);
  const { document = StockChangedDocument, variables } = options;
  client.subscribe<StockChangedSubscription>(
    {
      query: typeof document === 'string' ? document : print(document),
      ...(variables && { variables }),
    },
    {
      next: ({ data, errors }) => {
        if (errors) watcher.faults.push(...(errors as WatchFault[]));
        if (data) watcher.events.push(data.stockChanged);
      },
      error: (error) => {
        if (Array.isArray(error)) watcher.faults.push(...(error as WatchFault[]));
        watcher.ended = true;
      },
      complete: () => {
        watcher.ended = true;
      },
    },
  );
  return watcher;
}

/** A number of /metrics. */
export async function metric(origin: string, name: string): Promise<number> {
  const page = await (await fetch(`${origin}/metrics`)).text();
  const line = page.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return Number(line?.split(' ')[1]);
}

/** The refusals of a kind that /metrics has counted. */
export function refusals(origin: string, kind: string): Promise<number> {
  return metric(origin, `stockade_refusals_total{kind="${kind}"}`);
}

/** Watches, and waits until the server's part of it stands, with so many watchers in all. */
export async function startWatching(
  graphqlUrl: string,
  options: WatchOptions & { readonly watchers?: number } = {},
): Promise<Watcher> {
  const { origin } = new URL(graphqlUrl);
  const before = await metric(origin, 'stockade_watchers');
  const watcher = watch(graphqlUrl, options);
  await until('the server has the watcher', async () => {
    return (await metric(origin, 'stockade_watchers')) > before;
  });
  return watcher;
}
