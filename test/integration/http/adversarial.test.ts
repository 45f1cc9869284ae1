/**
 * What would break if this happened before that: a stop, a broken request or an upgrade while answers are owed. Rows
 * held in the database keep a deduction under way for as long as a test needs.
 */
import { print } from 'graphql';
import { DeductStockDocument } from '../../generated/operations.js';
import { closeClient } from '../../support/graphql-client.js';
import { whileRowsAreHeld } from '../../support/held-rows.js';
import { untilRowsAreWaitedFor } from '../../support/innodb.js';
import { stopApps } from '../../support/running-app.js';
import { until } from '../../support/until.js';
import { useApp } from '../../support/use-app.js';
import { LIVE, Wire, rawPost } from '../../support/wire.js';

const WEBSOCKET =
  'GET /graphql HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n' +
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';

const app = useApp(null);
let id: string;

beforeEach(async () => {
  await app.restart({ SHUTDOWN_GRACE_MS: '20000' });
  id = await app.newProduct(10);
  closeClient();
});

afterEach(() => stopApps());

function deduction(): string {
  const variables = { input: { items: [{ productId: id, quantity: 1 }] } };
  return rawPost({ query: print(DeductStockDocument), variables });
}

/** Runs `meanwhile` while the deductions that `wire` sends first are under way; resolves when the wire is closed. */
async function whileUnderWay(
  wire: Wire,
  bytes: string,
  meanwhile: () => Promise<void> | void,
): Promise<void> {
  await whileRowsAreHeld(app.database.url, id, async (release) => {
    wire.socket.write(bytes);
    await untilRowsAreWaitedFor(app.database.sequelize);
    await meanwhile();
    await release();
    await wire.untilClosed();
  });
}

test('a stop before the answers to pipelined requests: each is answered, and the last one closes', async () => {
  const wire = new Wire(app.origin);
  let stop: Promise<void> | undefined;
  await whileUnderWay(wire, deduction() + deduction(), () => {
    stop = app.stop();
  });
  await stop;
  expect(wire.answers).toEqual(['200', 'remaining 9', '200', 'remaining 8']);
  const [first, second] = wire.received.split('"remaining":9');
  expect(first).not.toMatch(/^connection: close\r$/im);
  expect(second).toMatch(/^connection: close\r$/im);
});

test('a stop before the answer to a request, after a later one was answered: both arrive', async () => {
  const wire = new Wire(app.origin);
  let stop: Promise<void> | undefined;
  await whileUnderWay(wire, deduction() + LIVE, () => {
    stop = app.stop();
  });
  await stop;
  expect(wire.answers).toEqual(['200', 'remaining 9', '200']);
});

test('a stop before the end of a body: the request is answered when it has arrived', async () => {
  const wire = new Wire(app.origin);
  const bytes = deduction();
  wire.socket.write(bytes.slice(0, -10));
  await fetch(`${app.origin}/live`, { headers: { connection: 'close' } });
  const stop = app.stop();
  await expect(fetch(`${app.origin}/live`)).rejects.toThrow();
  wire.socket.write(bytes.slice(-10));
  await wire.untilClosed();
  await stop;
  expect(wire.answers).toEqual(['200', 'remaining 9']);
});

test('a broken request before the answer to the one before it: the answers keep their order', async () => {
  const wire = new Wire(app.origin);
  await whileUnderWay(wire, `${deduction()}nonsense\r\n\r\n`, () => {
    expect(wire.received).toBe('');
    // More of it is not answered again.
    wire.socket.write('more nonsense\r\n\r\n');
  });
  expect(wire.answers).toEqual(['200', 'remaining 9', '400']);
});

test('bytes behind the last request, before its answer: it gets its answer and no other', async () => {
  const wire = new Wire(app.origin);
  const last = deduction().replace('Host: a', 'Host: a\r\nConnection: close');
  await whileUnderWay(wire, last + deduction(), () => undefined);
  expect(wire.answers).toEqual(['200', 'remaining 9']);
});

test('an upgrade to WebSocket before the answer to a request: the answer comes first', async () => {
  const wire = new Wire(app.origin);
  await whileUnderWay(wire, deduction() + WEBSOCKET, async () => {
    expect(wire.received).toBe('');
    void until('it is upgraded', () => wire.answers.includes('101')).then(() => {
      wire.socket.destroy();
    });
    await Promise.resolve();
  });
  expect(wire.answers).toEqual(['200', 'remaining 9', '101']);
});

test('an offer of HTTP/2 before the answer to a request: both are answered in order', async () => {
  const wire = new Wire(app.origin);
  const offer = deduction().replace(
    'Host: a',
    'Host: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk',
  );
  const last = LIVE.replace('Host: a', 'Host: a\r\nConnection: close');
  await whileUnderWay(wire, deduction() + offer + last, () => undefined);
  expect(wire.answers).toEqual(['200', 'remaining 9', '200', 'remaining 8', '200']);
});

test('a client that hangs up before the answers to its pipelined requests leaves no error', async () => {
  const wire = new Wire(app.origin);
  await whileUnderWay(wire, `${deduction()}${deduction()}nonsense\r\n\r\n`, () => {
    wire.socket.destroy();
  });
  expect(await (await fetch(`${app.origin}/live`)).json()).toEqual({ live: true });
  expect(app.logged.filter(({ level }) => level >= 50)).toEqual([]);
});
