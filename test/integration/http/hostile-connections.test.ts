/**
 * One connection that does what no good client does: upgrades without end, garbage behind good requests, requests
 * without reading an answer. Each has its bound, and the neighbours are served meanwhile.
 */
import { print } from 'graphql';
import { DeductStockDocument } from '../../generated/operations.js';
import { bearer, newApiKey } from '../../support/api-keys.js';
import { givenUrl } from '../../support/fresh-database.js';
import { neverStandsStill } from '../../support/standstill.js';
import { pass, until } from '../../support/until.js';
import { useApp } from '../../support/use-app.js';
import { metric, refusals } from '../../support/watcher.js';
import { LIVE, Wire, rawPost } from '../../support/wire.js';

const app = useApp();

/** A short request with an answer of some 20 kB. */
const METRICS = 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n';

async function isLive(): Promise<boolean> {
  return (await fetch(`${app.origin}/live`)).ok;
}

describe('upgrades that are not taken', () => {
  const OFFER = 'GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n';

  test('40,000 of them on one connection and its end cost the others nothing', async () => {
    const isCalm = await neverStandsStill(async () => {
      const wire = new Wire(app.origin);
      for (let sent = 0; sent < 40_000 && !wire.closed; sent += 500) {
        wire.socket.write(OFFER.repeat(500));
        await wire.untilAnswered(1);
        if (sent % 10_000 === 0) expect(await isLive()).toBe(true);
      }
      wire.socket.destroy();
      await wire.untilClosed();
      expect(await isLive()).toBe(true);
      expect(new Set(wire.answers)).toEqual(new Set(['200']));
    });
    expect(isCalm).toBe(true);
  });

  test('the first one keeps its connection', async () => {
    const wire = new Wire(app.origin);
    wire.socket.write(OFFER + LIVE);
    await wire.untilAnswered(2);
    expect(wire.answers).toEqual(['200', '200']);
    expect(wire.received).not.toMatch(/^connection: close/im);
    wire.socket.destroy();
  });

  test('one that asks for the end of its connection gets it', async () => {
    const wire = new Wire(app.origin);
    wire.socket.write(OFFER.replace('Upgrade\r\n', 'Upgrade, close\r\n'));
    await wire.untilClosed();
    expect(wire.answers).toEqual(['200']);
  });
});

describe('a client that is refused and does not hang up loses its connection', () => {
  test.each([
    ['CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', '501'],
    ['no HTTP', 'nonsense\r\n\r\n', '400'],
    [
      'a WebSocket elsewhere',
      'GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      '404',
    ],
  ])('%s', async (_, bytes, status) => {
    const wire = new Wire(app.origin);
    wire.socket.allowHalfOpen = true;
    wire.socket.write(bytes);
    await until('the server has closed its side', () => wire.socket.readableEnded);
    expect(wire.answers).toEqual([status]);
    // What the client goes on to send is read by no program: the network then reports the connection as gone.
    await until('the connection is gone', () => {
      if (!wire.closed) wire.socket.write('more');
      return wire.closed;
    });
  });
});

describe('garbage behind two good requests: both are answered in order, then the garbage is refused', () => {
  const GARBAGE = 'nonsense\r\n\r\n';

  function deductionOf(productId: string, headers: Record<string, string> = {}) {
    const variables = { input: { items: [{ productId, quantity: 1 }] } };
    return rawPost({ query: print(DeductStockDocument), variables }, headers);
  }

  test.each(['in one segment', 'in a segment of its own', 'with a guarded server'])(
    '%s',
    async (how) => {
      const guarded = how === 'with a guarded server';
      const id = await app.newProduct(10);
      const key = await newApiKey(app.database, `pipeline-${id}`, ['deduct', 'read']);
      const server = guarded
        ? await app.startAnother({
            NODE_ENV: 'production',
            AUTH: 'keys',
            REDIS_URL: givenUrl('REDIS_URL'),
          })
        : app;
      const post = deductionOf(id, guarded ? bearer(key) : {});
      const wire = new Wire(server.origin);
      if (how === 'in a segment of its own') {
        wire.socket.setNoDelay().write(post + post);
        await fetch(`${server.origin}/live`);
        wire.socket.write(GARBAGE);
      } else {
        wire.socket.write(post + post + GARBAGE);
      }
      await wire.untilClosed();
      expect(wire.answers).toEqual(['200', 'remaining 9', '200', 'remaining 8', '400']);
      expect(await app.shop.onHand(id)).toBe(8);
      if (guarded) await server.stop();
    },
  );
});

describe('a client that pipelines', () => {
  test('more than a connection may have under way has its requests wait, and loses none', async () => {
    const small = await app.startAnother({ REQUESTS_MAX_PER_CONNECTION: '4' });
    const id = await app.newProduct(1_000);
    const variables = { input: { items: [{ productId: id, quantity: 1 }] } };
    const post = rawPost({ query: print(DeductStockDocument), variables });
    const wire = new Wire(small.origin);
    wire.socket.write(post.repeat(100) + LIVE);
    await wire.untilAnswered(101);
    const remaining = Array.from({ length: 100 }, (_, i) => ['200', `remaining ${999 - i}`]);
    expect(wire.answers).toEqual([...remaining.flat(), '200']);
    expect(await metric(small.origin, 'stockade_requests_held_total')).toBeGreaterThan(90);
    wire.socket.destroy();
    await small.stop();
  });

  test('and never reads holds few answers, is cut, and delays no other', async () => {
    const isCalm = await neverStandsStill(async () => {
      const small = await app.startAnother({
        SEND_TIMEOUT_MS: '2000',
        SEND_BYTES_MAX_PER_CONNECTION: '100000',
      });
      const wires = Array.from({ length: 2 }, () => new Wire(small.origin));
      for (const { socket } of wires) {
        socket.pause();
        socket.write(METRICS.repeat(20_000));
      }
      let most = 0;
      await until('the connections are cut', async () => {
        most = Math.max(most, await metric(small.origin, 'stockade_unsent_bytes'));
        return (await refusals(small.origin, 'slow-client')) === wires.length;
      });
      // Of each connection the bound, and the answers that were under way when it was reached.
      expect(most).toBeGreaterThan(100_000);
      expect(most).toBeLessThan(wires.length * 65 * 20_000);
      await until('nothing waits', async () => {
        return (await metric(small.origin, 'stockade_unsent_bytes')) === 0;
      });
      for (const { socket } of wires) socket.destroy();
      await small.stop();
    });
    expect(isCalm).toBe(true);
  });

  test('and lets too many bytes of all clients wait is cut first', async () => {
    const small = await app.startAnother({
      REQUESTS_MAX_PER_CONNECTION: '64',
      SEND_BYTES_MAX: '200000',
    });
    const [greedy, modest] = [new Wire(small.origin), new Wire(small.origin)];
    for (const { socket } of [greedy, modest]) socket.pause();
    modest.socket.write(METRICS.repeat(2));
    greedy.socket.write(METRICS.repeat(20_000));
    await until('one is cut', async () => (await refusals(small.origin, 'slow-client')) === 1);
    modest.socket.resume();
    await modest.untilAnswered(2);
    expect(modest.answers).toEqual(['200', '200']);
    modest.socket.destroy();
    greedy.socket.destroy();
    await small.stop();
  });

  test('a client that reads slowly is not cut', async () => {
    // Far longer than the pauses between its reads, also where the machine makes them longer.
    const small = await app.startAnother({ SEND_TIMEOUT_MS: '4000' });
    const wire = new Wire(small.origin);
    const unsent = () => metric(small.origin, 'stockade_unsent_bytes');
    // More than the operating system keeps for the two ends, and than is read slowly.
    const answers = 1_200;
    wire.socket.write(METRICS.repeat(answers));
    let isSlow = true;
    wire.socket.on('data', () => {
      if (isSlow) wire.socket.pause();
    });
    const slowly = setInterval(() => wire.socket.resume(), 100);
    await until('bytes wait for it', async () => (await unsent()) > 0);
    await pass(9_000);
    expect(await unsent()).toBeGreaterThan(0);
    clearInterval(slowly);
    isSlow = false;
    wire.socket.resume();
    await wire.untilAnswered(answers);
    expect(wire.closed).toBe(false);
    wire.socket.destroy();
    await small.stop();
  });
});
