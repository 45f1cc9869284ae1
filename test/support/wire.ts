/** A connection of raw bytes, all that it has received, and whether it is closed. */
import { connect, type Socket } from 'node:net';
import { until } from './until.js';

export const LIVE = 'GET /live HTTP/1.1\r\nHost: a\r\n\r\n';

export class Wire {
  readonly socket: Socket;
  received = '';
  closed = false;

  /** @param origin as in `http://127.0.0.1:40123`. */
  constructor(origin: string) {
    this.socket = connect(Number(new URL(origin).port), '127.0.0.1');
    this.socket.on('data', (chunk: Buffer) => (this.received += chunk.toString('utf8')));
    this.socket.on('error', () => undefined);
    this.socket.once('close', () => (this.closed = true));
  }

  /** The status of each answer, and what is left of a level where the answer tells it. */
  get answers(): string[] {
    return [...this.received.matchAll(/HTTP\/1\.1 (\d+)|"remaining":(\d+)/g)].map(
      ([, status, remaining]) => status ?? `remaining ${remaining ?? ''}`,
    );
  }

  untilClosed(): Promise<void> {
    return until('the connection is closed', () => this.closed);
  }

  async untilAnswered(count: number): Promise<void> {
    const statuses = () => this.received.match(/HTTP\/1\.1 \d+/g)?.length ?? 0;
    await until(`${count} answers`, () => statuses() >= count);
  }
}

/** A POST to /graphql as raw bytes. */
export function rawPost(payload: object, headers: Readonly<Record<string, string>> = {}): string {
  const body = JSON.stringify(payload);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return (
    `POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${lines.join('')}` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}
