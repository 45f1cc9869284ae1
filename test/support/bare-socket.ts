/** WebSockets that speak the protocol by hand, so that a test can break it. */
import { once } from 'node:events';
import { WebSocket, type ClientOptions } from 'ws';
import { until } from './until.js';
import { webSocketUrl } from './watcher.js';

const open = new Set<WebSocket>();

/** For afterEach. */
export function terminateSockets(): void {
  for (const socket of open) socket.terminate();
  open.clear();
}

export interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

/** A socket with nothing of the protocol done yet. */
export class BareSocket {
  readonly heard: Message[] = [];
  readonly socket: WebSocket;
  readonly closed: Promise<number>;

  constructor(
    graphqlUrl: string,
    options: ClientOptions = {},
    protocols: string[] = ['graphql-transport-ws'],
  ) {
    this.socket = new WebSocket(webSocketUrl(graphqlUrl), protocols, options);
    open.add(this.socket);
    this.socket.on('error', () => undefined);
    this.socket.on('message', (data: Buffer) => {
      this.heard.push(JSON.parse(data.toString('utf8')) as Message);
    });
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
  }

  async ready(authorization?: string): Promise<this> {
    await once(this.socket, 'open');
    this.say({ type: 'connection_init', ...(authorization && { payload: { authorization } }) });
    await this.untilHeard('connection_ack');
    return this;
  }

  say(message: Message): void {
    this.socket.send(JSON.stringify(message));
  }

  subscribe(id: string, payload: object): void {
    this.say({ id, type: 'subscribe', payload });
  }

  async untilHeard(type: string, id?: string): Promise<Message> {
    const find = () => this.heard.find((m) => m.type === type && (!id || m.id === id));
    await until(`${type} is heard`, () => find() !== undefined);
    return find() ?? { type };
  }
}

/** What is answered to the request for a socket: 101 where it is opened. */
export function upgradeStatus(
  url: string,
  headers: Record<string, string> = {},
  options: ClientOptions = {},
): Promise<number> {
  const socket = new WebSocket(webSocketUrl(url), ['graphql-transport-ws'], {
    ...options,
    headers,
  });
  open.add(socket);
  socket.on('error', () => undefined);
  return new Promise((resolve) => {
    socket.once('open', () => {
      resolve(101);
    });
    socket.once('unexpected-response', (_request, { statusCode }) => {
      resolve(statusCode ?? 0);
    });
  });
}
