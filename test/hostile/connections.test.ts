/** What a client without a credential may do to the server's connections. */
import { once } from 'node:events';
import { bearer } from '../support/api-keys.js';
import { useArena } from '../support/hostile-arena.js';
import { pass, until } from '../support/until.js';
import { QUERY } from '../support/http-exchange.js';
import { LIVE, Wire, rawPost } from '../support/wire.js';

const arena = useArena();

const wires = new Set<Wire>();

afterEach(closeAll);

async function closeAll(): Promise<void> {
  for (const { socket } of wires) socket.destroy();
  await Promise.all([...wires].map((wire) => wire.untilClosed()));
  wires.clear();
}

/** Connections of an earlier attack give their places. */
async function open(count: number): Promise<Wire[]> {
  await closeAll();
  const opened = Array.from({ length: count }, () => new Wire(arena.server.origin));
  for (const wire of opened) wires.add(wire);
  await Promise.all(opened.map(({ socket }) => once(socket, 'connect')));
  return opened;
}

async function openOne(): Promise<Wire> {
  const [wire] = await open(1);
  if (!wire) throw new Error('No connection was opened.');
  return wire;
}

/** Resolves when the system has taken the bytes, or the connection is closed. */
async function write({ socket }: Wire, bytes: string): Promise<void> {
  if (!socket.writable || socket.write(bytes, 'latin1')) return;
  const closed = once(socket, 'close');
  await Promise.race([once(socket, 'drain'), closed]).catch(() => undefined);
}

test.each([
  ['Upgrade: foo', 'GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n'],
  [
    'Upgrade: h2c',
    'GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n' +
      'HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n',
  ],
  ['Expect: 100-continue', 'GET /live HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n'],
  ['CONNECT', 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n'],
])('ten thousand offers of %s on one connection, which is then closed', async (_, offer) => {
  await arena.withstands(async () => {
    const connection = await openOne();
    for (let sent = 0; sent < 10_000 && connection.socket.writable; sent += 100) {
      await write(connection, offer.repeat(100));
    }
    await pass(300);
    connection.socket.destroy();
  });
});

test.each([
  [1, 'one connection'],
  [8, 'many connections'],
] as const)(
  'requests for large answers, pipelined on %i connection(s) that are never read',
  async (count, by) => {
    const key = await arena.key(`pipeliner-${count}`, ['read']);
    await arena.shop.newProducts(100, 1);
    const page =
      'products(first: 100) { nodes { id name onHand reserved available createdAt updatedAt } }';
    const query = `{ a: ${page} b: ${page} c: ${page} d: ${page} }`;
    const request = rawPost({ query }, bearer(key));
    await arena.withstands(async () => {
      const connections = await open(count);
      for (const connection of connections) {
        connection.socket.pause();
        void write(connection, request.repeat(150));
      }
      await pass(4_000);
      for (const { socket } of connections) socket.destroy();
    }, by);
  },
);

test('requests for /metrics and /ready, pipelined on connections that are never read', async () => {
  await arena.withstands(async () => {
    const connections = await open(8);
    for (const connection of connections) {
      connection.socket.pause();
      void write(
        connection,
        'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\nGET /ready HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(
          100,
        ),
      );
    }
    await pass(3_000);
    for (const { socket } of connections) socket.destroy();
  }, 'many connections');
});

test('five hundred clients that send a byte now and then', async () => {
  await arena.withstands(async () => {
    const connections = await open(500);
    const bytes = 'GET /live HTTP/1.1\r\nHost: a\r\nX-Slow: ';
    for (let at = 0; at < 20; at += 1) {
      for (const { socket } of connections) if (socket.writable) socket.write(bytes[at] ?? 'a');
      await pass(100);
    }
  }, 'many connections');
});

test('five hundred bodies that never end', async () => {
  await arena.withstands(async () => {
    const connections = await open(500);
    const head =
      'POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 90000\r\n\r\n';
    await Promise.all(
      connections.map((connection) => write(connection, `${head}${'x'.repeat(50_000)}`)),
    );
    await pass(1_500);
  }, 'many connections');
});

test('two thousand connections one after another that send garbage', async () => {
  await arena.withstands(async () => {
    for (let round = 0; round < 20; round += 1) {
      const connections = await open(100);
      await Promise.all(
        connections.map(async (connection) => {
          await write(connection, '\x16\x03\x01\x00\xa5\x01garbage\r\n\r\n');
          await connection.untilClosed();
        }),
      );
    }
  }, 'many connections');
});

test('requests that are framed in two ways end their connection, and nothing behind them is served', async () => {
  const smuggled = `GET /live HTTP/1.1\r\nHost: a\r\nX-Request-Id: smuggled\r\n\r\n`;
  const framings = [
    `POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    `POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n${smuggled}`,
    `POST /graphql HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n${smuggled}`,
    `POST /graphql HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a\n\r\nx\r\n0\r\n\r\n${smuggled}`,
    `GET /live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n${smuggled}`,
    `GET /live HTTP/1.1\nHost: a\n\n${smuggled}`,
  ];
  await arena.withstands(async () => {
    for (let round = 0; round < 20; round += 1) {
      for (const framing of framings) {
        const connection = await openOne();
        await write(connection, framing);
        await connection.untilClosed();
        expect(connection.answers.every((status) => Number(status) >= 400)).toBe(true);
        expect(connection.received).not.toContain('smuggled');
      }
    }
  });
});

test('what was received completely before garbage is answered before the connection ends', async () => {
  const key = await arena.key('shop', ['read']);
  const good = rawPost({ query: QUERY }, bearer(key));
  await arena.withstands(async () => {
    const connection = await openOne();
    await write(connection, `${good}${good}garbage\r\n\r\n`);
    await connection.untilClosed();
    expect(connection.answers).toEqual(['200', '200', '400']);
  });
});

test('as many connections as one address may have, held open', async () => {
  await arena.withstands(async () => {
    const connections = await open(1_500);
    await Promise.all(connections.slice(0, 300).map((connection) => write(connection, LIVE)));
    await until('they are answered', () =>
      connections.slice(0, 300).every(({ answers }) => answers[0] === '200'),
    );
  }, 'many connections');
});
