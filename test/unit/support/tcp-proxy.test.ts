/** The endpoint by which tests make a network's faults, between real sockets. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.js';
import { until } from '../../support/until.js';

/** A server that answers each piece with its name and the piece. */
class NamedServer {
  readonly sockets: Socket[] = [];
  private readonly server = createServer((socket) => {
    this.sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => socket.write(`${this.name}:${bytes.toString()}`));
  });

  private constructor(readonly name: string) {}

  static async start(name: string): Promise<NamedServer> {
    const named = new NamedServer(name);
    named.server.listen(0, '127.0.0.1');
    await once(named.server, 'listening');
    return named;
  }

  get url(): string {
    return `tcp://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }
}

class Client {
  heard = '';
  ended = false;
  private readonly socket: Socket;

  constructor(proxy: TcpProxy) {
    this.socket = connect(proxy.port, '127.0.0.1');
    this.socket.on('error', () => undefined);
    this.socket.on('data', (bytes) => (this.heard += bytes.toString()));
    this.socket.on('close', () => (this.ended = true));
  }

  say(text: string): void {
    this.socket.write(text);
  }

  async hears(text: string): Promise<void> {
    await until(`"${text}" at a client`, () => this.heard === text);
  }

  end(): void {
    this.socket.destroy();
  }
}

/** Of the first connection. */
async function nextPiece({ sockets: [socket] }: NamedServer): Promise<void> {
  if (!socket) throw new Error('Nothing has connected.');
  await once(socket, 'data');
}

let first: NamedServer;
let second: NamedServer;
let proxy: TcpProxy;

beforeEach(async () => {
  [first, second] = await Promise.all([NamedServer.start('first'), NamedServer.start('second')]);
  proxy = await startTcpProxy(first.url);
});

afterEach(async () => {
  await proxy.stop();
  await Promise.all([first.stop(), second.stop()]);
});

async function connected(): Promise<Client> {
  const client = new Client(proxy);
  client.say('a ');
  await until('an answer', () => client.heard.endsWith(':a '));
  return client;
}

test('new connections lead to the other server while present ones stay at the first', async () => {
  const old = await connected();
  proxy.leadTo(second.url, { present: 'stay' });
  const young = await connected();
  old.say('b');
  young.say('b');
  await old.hears('first:a first:b');
  await young.hears('second:a second:b');
});

test('present connections break where they are to', async () => {
  const old = await connected();
  proxy.leadTo(second.url, { present: 'break' });
  await until('the end at the client', () => old.ended);
  const young = await connected();
  await young.hears('second:a ');
});

test('a pause is a black hole for present and new connections, and tells neither side of an end', async () => {
  const [ended, present] = await Promise.all([connected(), connected()]);
  proxy.pause();
  const fresh = new Client(proxy);
  for (const client of [present, fresh]) client.say('b');
  ended.end();
  await until('the new connection at the server', () => first.sockets.length === 3);
  const witness = await startTcpProxy(first.url);
  // The machine delivers in order: what another way has brought there and back, this one would have brought as well.
  for (let round = 0; round < 20; round++) (await roundTrip(witness)).end();
  await witness.stop();
  expect([present.heard, fresh.heard]).toEqual(['first:a ', '']);
  expect([present.ended, fresh.ended]).toEqual([false, false]);
  expect(first.sockets.slice(0, 2).map((socket) => socket.destroyed)).toEqual([false, false]);
  proxy.resume();
  await present.hears('first:a first:b');
  await fresh.hears('first:b');
  await until('the end at the server', () => first.sockets.some((socket) => socket.destroyed));
});

async function roundTrip(through: TcpProxy): Promise<Client> {
  const client = new Client(through);
  client.say('x');
  await client.hears('first:x');
  return client;
}

test('a pause in one direction lets the other one pass', async () => {
  const client = await connected();
  proxy.pause('toClient');
  const received = nextPiece(first);
  client.say('b');
  await received;
  expect(client.heard).toBe('first:a ');
  proxy.resume();
  await client.hears('first:a first:b');
});

test('a delay holds each piece for its time and keeps the order when it ends', async () => {
  const client = await connected();
  proxy.delay(150, 'toServer');
  const beganMs = performance.now();
  const received = nextPiece(first);
  client.say('b');
  await received;
  expect(performance.now() - beganMs).toBeGreaterThanOrEqual(149);
  const delayed = nextPiece(first);
  client.say('c');
  await until('the piece at the proxy', () => proxy.connections().length === 1);
  proxy.delay(0);
  client.say('d');
  await delayed;
  await until('all pieces', () => /c.*d$/.test(client.heard));
});

test('a refusing endpoint keeps present connections, and a cut one welcomes new ones', async () => {
  const old = await connected();
  proxy.refuse(true);
  const refused = new Client(proxy);
  await until('the refusal', () => refused.ended);
  old.say('b');
  await old.hears('first:a first:b');
  proxy.refuse(false);
  proxy.cut();
  await until('the cut', () => old.ended);
  await connected();
});

test('the end of a server is the end of its connections', async () => {
  const client = await connected();
  first.sockets[0]?.destroy();
  await until('the end at the client', () => client.ended);
  await until('no connection left', () => proxy.connections().length === 0);
});
