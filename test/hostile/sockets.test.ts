/** WebSockets that are opened, filled and broken, and messages in Redis that no server has written. */
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { WebSocket, type ClientOptions } from 'ws';
import { channelOf } from '../../src/changes/change-message.js';
import { givenUrl } from '../support/fresh-database.js';
import { bearer } from '../support/api-keys.js';
import { useArena } from '../support/hostile-arena.js';
import { pass, until } from '../support/until.js';
import { webSocketUrl } from '../support/watcher.js';

const arena = useArena();
const sockets = new Set<WebSocket>();

afterEach(closeAll);

async function closeAll(): Promise<void> {
  const closed = [...sockets]
    .filter(({ readyState }) => readyState !== WebSocket.CLOSED)
    .map((socket) => new Promise((resolve) => socket.once('close', resolve)));
  for (const socket of sockets) {
    if (socket.isPaused) socket.resume();
    socket.terminate();
  }
  sockets.clear();
  await Promise.all(closed);
}

/** A socket; what it hears is counted and not parsed. */
class Attacker {
  heard = 0;
  closed = false;
  readonly socket: WebSocket;
  readonly settled: Promise<boolean>;

  constructor(options: ClientOptions = {}) {
    this.socket = new WebSocket(webSocketUrl(arena.graphqlUrl), ['graphql-transport-ws'], options);
    sockets.add(this.socket);
    this.socket.on('error', () => undefined);
    this.socket.on('message', () => (this.heard += 1));
    this.socket.on('close', () => (this.closed = true));
    this.settled = Promise.race([
      once(this.socket, 'open').then(
        () => true,
        () => false,
      ),
      once(this.socket, 'close').then(() => false),
    ]);
  }

  say(message: object | string): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  init(key: string): void {
    this.say({ type: 'connection_init', payload: bearer(key) });
  }

  subscribe(
    id: string,
    query = 'subscription { stockChanged { __typename ... on StockChange { productId available version } } }',
  ): void {
    this.say({ id, type: 'subscribe', payload: { query } });
  }
}

/** Sockets of an earlier attack give their places. */
async function openAll(count: number): Promise<Attacker[]> {
  await closeAll();
  const attackers = Array.from({ length: count }, () => new Attacker());
  await Promise.all(attackers.map(({ settled }) => settled));
  return attackers.filter(({ socket }) => socket.readyState === WebSocket.OPEN);
}

/** Sockets that have sent the key, and have their answer. */
async function openWelcomed(count: number, key: string): Promise<Attacker[]> {
  const attackers = await openAll(count);
  for (const attacker of attackers) attacker.init(key);
  await until('they are welcomed', () => attackers.every(({ heard }) => heard > 0));
  return attackers;
}

test('a thousand sockets that never say hello are cut, and others still get in from elsewhere', async () => {
  const key = await arena.key('watcher', ['read']);
  await arena.withstands(async () => {
    const attackers = await openAll(1_000);
    expect(attackers.length).toBeGreaterThan(0);
    // From another address: 127.0.0.2 is this machine as well.
    const honest = new Attacker({ localAddress: '127.0.0.2' });
    expect(await honest.settled).toBe(true);
    honest.init(key);
    await until('the honest client is heard', () => honest.heard > 0);
    await until('the silent ones are cut', () => attackers.every(({ closed }) => closed), 15_000);
    expect(honest.closed).toBe(false);
  }, 'many connections');
});

test('as many equal subscriptions as one key may have, while a product sells', async () => {
  const key = await arena.key('crowd', ['read']);
  await arena.withstands(async () => {
    const attackers = await openAll(300);
    for (const attacker of attackers) attacker.init(key);
    await until('they are welcomed or cut', () =>
      attackers.every(({ heard, closed }) => heard > 0 || closed),
    );
    for (const attacker of attackers) {
      for (let i = 0; i < 10; i += 1) attacker.subscribe(String(i));
    }
    await pass(4_000);
    expect(attackers.some(({ heard }) => heard > 20)).toBe(true);
  }, 'many connections');
});

test('subscribers that stop reading', async () => {
  const key = await arena.key('deaf', ['read']);
  await arena.withstands(async () => {
    const attackers = await openWelcomed(100, key);
    for (const attacker of attackers) {
      for (let i = 0; i < 5; i += 1) attacker.subscribe(String(i));
      attacker.socket.pause();
    }
    await pass(3_000);
  }, 'many connections');
});

test('frames that break the protocol, and floods of those that keep it', async () => {
  const key = await arena.key('noisy', ['read']);
  await arena.withstands(async () => {
    const attackers = await openWelcomed(60, key);
    for (const [i, attacker] of attackers.entries()) {
      const { socket } = attacker;
      if (i % 6 === 0) for (let n = 0; n < 2_000; n += 1) socket.ping();
      if (i % 6 === 1) socket.send(Buffer.alloc(2_000_000));
      if (i % 6 === 2) attacker.say('{"type":"subscribe"');
      if (i % 6 === 3)
        for (let n = 0; n < 300; n += 1) attacker.subscribe(String(n), `{ ${'a '.repeat(n)}`);
      if (i % 6 === 4)
        for (let n = 0; n < 500; n += 1)
          attacker.say({ type: 'ping', payload: { text: 'x'.repeat(1_000) } });
      if (i % 6 === 5)
        for (let n = 0; n < 300; n += 1) {
          attacker.subscribe('same');
          attacker.say({ id: 'same', type: 'complete' });
        }
    }
    await pass(2_500);
  }, 'many connections');
});

test('subscriptions of documents that are nearly all comments', async () => {
  const key = await arena.key('author', ['read']);
  await arena.withstands(async () => {
    const attackers = await openWelcomed(100, key);
    for (const [i, attacker] of attackers.entries()) {
      for (let n = 0; n < 10; n += 1) {
        attacker.subscribe(
          String(n),
          `subscription S${i}x${n} { stockChanged { __typename } }\n${'#\n'.repeat(40_000)}`,
        );
      }
    }
    await pass(3_000);
  }, 'many connections');
});

test('messages in the channels of Redis that no server has written', async () => {
  const redisUrl = givenUrl('REDIS_URL');
  const redis = new Redis(redisUrl);
  const channel = channelOf(redisUrl);
  const inboxes = (await redis.pubsub('CHANNELS', '*')) as string[];
  const messages = [
    '',
    '[',
    'null',
    '{}',
    '[]',
    '["CHANGED"]',
    '["CHANGED","x",1,[]]',
    '["CHANGED","x",9007199254740993,[["p","default",1,0,1]]]',
    `["MISSED","x",2,"yesterday"]`,
    `["HEARTBEAT","${'x'.repeat(100_000)}",1,null]`,
    '['.repeat(50_000),
    '\u0000\uffff',
  ];
  const attack = async () => {
    for (let round = 0; round < 50; round += 1) {
      await Promise.all(
        [channel, ...inboxes].flatMap((name) =>
          messages.map((message) => redis.publish(name, message)),
        ),
      );
    }
  };
  await arena.withstands(attack, 'many connections').finally(() => redis.quit());
});
