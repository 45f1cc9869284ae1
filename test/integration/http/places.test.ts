/** How many connections and requests an address and a principal may have, and that others are served meanwhile. */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { print } from 'graphql';
import { DeductStockDocument } from '../../generated/operations.js';
import { bearer, newApiKey } from '../../support/api-keys.js';
import { givenUrl } from '../../support/fresh-database.js';
import { post } from '../../support/graphql-client.js';
import { whileRowsAreHeld } from '../../support/held-rows.js';
import { untilRowsAreWaitedFor } from '../../support/innodb.js';
import { until } from '../../support/until.js';
import { useApp } from '../../support/use-app.js';
import { metric, refusals } from '../../support/watcher.js';

const app = useApp(null);
const open = new Set<Socket>();

afterEach(() => {
  for (const socket of open) socket.destroy();
  open.clear();
});

/** Every address of 127.0.0.0/8 is this machine's. */
const NEIGHBOUR = '127.0.0.2';

async function idle(origin: string, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port: Number(new URL(origin).port), host: '127.0.0.1', localAddress });
  socket.on('error', () => undefined);
  open.add(socket);
  await once(socket, 'connect');
  return socket;
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

/** GET on a connection of its own, which the client closes. */
function ask(origin: string, localAddress = '127.0.0.1', path = '/metrics'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: false });
    request(`${origin}${path}`, { agent, localAddress, family: 4 }, (incoming) => {
      let body = '';
      incoming.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
      incoming.on('end', () => {
        const { statusCode: status = 0, headers } = incoming;
        resolve({ status, retryAfter: headers['retry-after'], body });
      });
    })
      .on('error', reject)
      .end();
  });
}

async function untilOpen(origin: string, count: number): Promise<void> {
  // The scrape has a connection of its own.
  await until(`${count} connections`, async () => {
    return (await metric(origin, 'stockade_connections')) > count;
  });
}

test('an address has so many connections; further ones are answered with 503, and others are served', async () => {
  await app.restart({ CONNECTIONS_MAX_PER_ADDRESS: '20' });
  const sockets = await Promise.all(Array.from({ length: 20 }, () => idle(app.origin)));
  const refused = await ask(app.origin);
  expect([refused.status, refused.retryAfter]).toEqual([503, '1']);
  expect(JSON.parse(refused.body)).toMatchObject({
    errors: [{ extensions: { code: 'OVERLOADED', retryAfterMs: 1_000 } }],
  });
  expect((await ask(app.origin, NEIGHBOUR)).status).toBe(200);
  // A full server is healthy: an orchestrator must not restart it.
  for (const path of ['/live', '/ready']) {
    expect((await ask(app.origin, '127.0.0.1', path)).status).toBe(200);
  }
  for (const socket of sockets.slice(0, 5)) socket.destroy();
  await until('there is room again', async () => (await ask(app.origin)).status === 200);
  expect(await refusals(app.origin, 'connection-limit')).toBeGreaterThan(0);
});

test('connections beyond the bound do not pile up: they are answered or closed within seconds', async () => {
  await app.restart({ CONNECTIONS_MAX_PER_ADDRESS: '5' });
  const sockets: Socket[] = [];
  // In steps: the system keeps only so many connections that a server has not accepted yet.
  while (sockets.length < 1_300) {
    const more = Array.from({ length: 100 }, () => idle(app.origin));
    sockets.push(...(await Promise.all(more)));
  }
  for (const socket of sockets) socket.resume();
  const open = () => sockets.filter(({ destroyed }) => !destroyed);
  await until('all without a place are closed', () => open().length <= 5, 20_000);
  // Those with a place may be silent for as long as a connection between two requests.
  expect(open()).toHaveLength(5);
  for (const socket of open()) socket.destroy();
  await until('there is room again', async () => (await ask(app.origin)).status === 200);
});

test('where all places are taken, an idle connection of the address with the most gives its place', async () => {
  await app.restart({ CONNECTIONS_MAX: '12', CONNECTIONS_MAX_PER_ADDRESS: '12' });
  const sockets = await Promise.all(Array.from({ length: 11 }, () => idle(app.origin)));
  await untilOpen(app.origin, 11);
  for (let i = 0; i < 5; i += 1) {
    await idle(app.origin, NEIGHBOUR);
    expect((await ask(app.origin, NEIGHBOUR)).status).toBe(200);
  }
  await until('some were closed', () => sockets.filter((socket) => socket.closed).length >= 5);
  expect(sockets.filter((socket) => !socket.destroyed).length).toBeGreaterThan(3);
});

test('a connection with a request under way keeps its place', async () => {
  await app.restart({ CONNECTIONS_MAX: '4' });
  const begun =
    'POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{';
  const sockets = await Promise.all(Array.from({ length: 3 }, () => idle(app.origin)));
  for (const socket of sockets) socket.write(begun);
  await untilOpen(app.origin, 3);
  await idle(app.origin);
  const refused = await ask(app.origin, NEIGHBOUR);
  // The idle one may have been closed for it; those that send their bodies were not.
  expect([200, 503]).toContain(refused.status);
  expect(sockets.filter((socket) => socket.destroyed)).toEqual([]);
});

test('trusted proxies have no bound of their own', async () => {
  await app.restart({ CONNECTIONS_MAX_PER_ADDRESS: '2', TRUSTED_PROXIES: '127.0.0.0/8' });
  await Promise.all(Array.from({ length: 10 }, () => idle(app.origin)));
  expect((await ask(app.origin)).status).toBe(200);
});

describe('requests under way', () => {
  const GUARDED = { NODE_ENV: 'production', AUTH: 'keys', REDIS_URL: givenUrl('REDIS_URL') };

  test('of one principal have a bound, however they end, and another principal is served', async () => {
    await app.restart({ ...GUARDED, REQUESTS_MAX_PER_PRINCIPAL: '10' });
    const [id, other] = [await app.shop.newProduct(1_000), await app.shop.newProduct(1_000)];
    const [greedy, modest] = [
      bearer(await newApiKey(app.database, `greedy-${id}`, ['deduct'])),
      bearer(await newApiKey(app.database, `modest-${id}`, ['deduct'])),
    ];
    const deduct = (productId: string, headers: Record<string, string>, signal?: AbortSignal) => {
      const variables = { input: { items: [{ productId, quantity: 1 }] } };
      const body = JSON.stringify({ query: print(DeductStockDocument), variables });
      return post(app.graphqlUrl, body, { headers, ...(signal && { signal }) });
    };
    await whileRowsAreHeld(app.database.url, id, async (release) => {
      const hangUp = new AbortController();
      const gone = Array.from({ length: 5 }, () => deduct(id, greedy, hangUp.signal));
      const served = Array.from({ length: 5 }, () => deduct(id, greedy));
      await untilRowsAreWaitedFor(app.database.sequelize);
      const answers = await Promise.all(Array.from({ length: 7 }, () => deduct(other, greedy)));
      expect(answers.map(({ status }) => status)).toContain(429);
      const refused = answers.find(({ status }) => status === 429);
      expect(refused?.errors).toMatchObject([
        { extensions: { code: 'RATE_LIMITED', retryAfterMs: 1_000 } },
      ]);
      expect(refused?.headers['retry-after']).toBe('1');
      expect((await deduct(other, modest)).status).toBe(200);
      hangUp.abort();
      await Promise.allSettled(gone);
      await until('those that hung up count no more', async () => {
        return (await deduct(other, greedy)).status === 200;
      });
      await release();
      expect((await Promise.all(served)).map(({ status }) => status)).toEqual(
        served.map(() => 200),
      );
    });
    expect(await refusals(app.origin, 'request-limit')).toBeGreaterThan(0);
    const all = await Promise.all(Array.from({ length: 10 }, () => deduct(other, greedy)));
    expect(all.map(({ status }) => status)).toEqual(all.map(() => 200));
  });

  test('without a principal their address has the bound', async () => {
    await app.restart({ REQUESTS_MAX_PER_PRINCIPAL: '3' });
    const begun =
      'POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{';
    const sockets = await Promise.all(Array.from({ length: 3 }, () => idle(app.origin)));
    for (const socket of sockets) socket.write(begun);
    await until('further ones are refused', async () => (await ask(app.origin)).status === 429);
    expect((await ask(app.origin, NEIGHBOUR)).status).toBe(200);
    for (const socket of sockets) socket.destroy();
    await until('there is room again', async () => (await ask(app.origin)).status === 200);
  });
});
