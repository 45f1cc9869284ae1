import { closeClient } from '../support/graphql-client.js';
import type { ServerProcess } from '../support/server-process.js';
import { Shop } from '../support/shop.js';
import { callStock, deduction, isFinal, linesOf, type Answer } from '../support/stock-calls.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { pass, until } from '../support/until.js';

afterAll(closeClient);

const UNITS = 1_000_000;
const BUYERS = 6;
const TTL_MS = 5_000;
/** A session waits so long for a row, and is silent from then on. */
const ROW_WAIT_MS = 2_000;
/**
 * Others must be at half their rate or more so soon after the beginning of the fault. Without the lock several servers
 * wait for the row in MySQL, and the lost one's session may get it before it falls silent.
 */
const GOES_ON_AFTER_MS = { redis: TTL_MS + 1_000, none: TTL_MS + ROW_WAIT_MS + 1_000 };
const MEASURED_MS = 5_000;
/** From then on in parts of this length: servers that go on reach that rate in one of them. */
const PART_MS = 2_500;
const PARTS_MIN = MEASURED_MS / PART_MS;
/** A pause of the machine takes one or two of them. */
const PARTS_MAX = 4;

interface Call {
  readonly beganMs: number;
  readonly endedMs: number;
  readonly answer: Answer;
}

/** Buyers who deduct one unit after another under keys, and ask again under the same key until the answer is final. */
class Buyers {
  readonly calls: Call[] = [];
  private isOver = false;
  private readonly all: Promise<unknown>;

  constructor(server: ServerProcess, name: string, productId: string) {
    this.all = Promise.all(
      Array.from({ length: BUYERS }, (_, i) => this.buy(server, `${name}-${i}`, productId)),
    );
  }

  get applied(): readonly Call[] {
    return this.calls.filter(({ answer }) => linesOf(answer)[0]?.outcome === 'APPLIED');
  }

  appliedBetween(fromMs: number, toMs: number): number {
    return this.applied.filter(({ endedMs }) => endedMs >= fromMs && endedMs < toMs).length;
  }

  end(): Promise<unknown> {
    this.isOver = true;
    return this.all;
  }

  private async buy(server: ServerProcess, name: string, productId: string): Promise<void> {
    for (let order = 1; !this.isOver; order += 1) {
      const call = deduction({ [productId]: 1 }, { idempotencyKey: `${name}-${order}` });
      for (let settled = false; !settled;) {
        const beganMs = performance.now();
        const answer = await callStock(server.graphqlUrl, call);
        this.calls.push({ beganMs, endedMs: performance.now(), answer });
        settled = isFinal(answer);
        if (!settled) await pass(20);
      }
    }
  }
}

describe.each(['redis', 'none'] as const)('under STOCK_LOCK=%s', (stockLock) => {
  let shop: Shop;
  let proxy: TcpProxy;
  let lost: ServerProcess;
  let others: ServerProcess[];

  beforeAll(async () => {
    shop = await Shop.open();
    proxy = await startTcpProxy(shop.database.url);
    const LOCK_TTL_MS = String(TTL_MS);
    const MYSQL_URL = proxy.via(shop.database.url);
    lost = await shop.startServer(stockLock, { LOCK_TTL_MS, MYSQL_URL });
    others = [];
    for (let i = 0; i < 2; i += 1) others.push(await shop.startServer(stockLock, { LOCK_TTL_MS }));
  });

  afterAll(async () => {
    await Promise.all([lost, ...others].map((server) => server.stop()));
    await proxy.stop();
    await shop.close();
  });

  test('a server whose way to MySQL is a black hole does not stop the others, and comes back', async () => {
    const id = await shop.newProduct(UNITS);
    const ofLost = new Buyers(lost, 'lost', id);
    const ofOthers = others.map((server, i) => new Buyers(server, `other-${i}`, id));
    const rate = (fromMs: number, toMs: number) =>
      ofOthers.reduce((sum, buyers) => sum + buyers.appliedBetween(fromMs, toMs), 0) /
      ((toMs - fromMs) / 1_000);

    await until('every server serves', () => {
      return [ofLost, ...ofOthers].every(({ applied }) => applied.length > 20);
    });
    const beganMs = performance.now();
    await pass(MEASURED_MS);
    const holeMs = performance.now();
    proxy.pause();
    await pass(GOES_ON_AFTER_MS[stockLock]);
    const before = rate(beganMs, holeMs);
    const goesOnMs = performance.now();
    let during = 0;
    for (let part = 1; part <= PARTS_MAX; part += 1) {
      const fromMs = performance.now();
      await pass(PART_MS);
      during = Math.max(during, rate(fromMs, performance.now()));
      if (part >= PARTS_MIN && during >= before / 2) break;
    }
    const stillMs = performance.now();
    const ready = await fetch(`${lost.origin}/ready`);
    const lateCalls = ofLost.calls.length;
    proxy.resume();

    await until('the server commits again', () => {
      return ofLost.calls.slice(lateCalls).some(({ answer }) => {
        return linesOf(answer)[0]?.outcome === 'APPLIED';
      });
    });
    await until('the server is ready', async () => {
      return (await fetch(`${lost.origin}/ready`)).status === 200;
    });
    await Promise.all([ofLost, ...ofOthers].map((buyers) => buyers.end()));

    const firstMs = Math.min(
      ...ofOthers.flatMap(({ applied }) =>
        applied.filter(({ beganMs: ms }) => ms > holeMs + 200).map(({ endedMs }) => endedMs),
      ),
    );
    const waits = ofLost.calls
      .filter(({ beganMs: ms }) => ms > goesOnMs && ms < stillMs)
      .map((call) => call.endedMs - call.beganMs);
    console.log(
      `Others: ${before.toFixed()}/s before, ${during.toFixed()}/s in the best part of the ` +
        `${(stillMs - goesOnMs).toFixed()} ms from ${GOES_ON_AFTER_MS[stockLock]} ms after the fault; ` +
        `first ${(firstMs - holeMs).toFixed()} ms after it; ` +
        `the server's own callers waited at most ${Math.max(0, ...waits).toFixed()} ms.`,
    );
    expect(during).toBeGreaterThanOrEqual(before / 2);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ writes: 'away' });
    // Half of the time that a request has: they learn of the outage, and do not wait for their own end.
    expect(waits.length).toBeGreaterThan(0);
    expect(Math.max(...waits)).toBeLessThan(7_500);
    const sold = [ofLost, ...ofOthers].reduce((sum, { applied }) => sum + applied.length, 0);
    expect(await shop.onHand(id)).toBe(UNITS - sold);
    expect(await shop.problems()).toEqual([]);
  });
});
