/**
 * Where attacks are tried: a server process as in production, with a small heap, and an honest client beside it, the
 * victim. `withstands` runs an attack and asserts what must hold after each one:
 *
 * - the process lives, and its memory has never been above the bound;
 * - its event loop was never stopped for longer than the bound;
 * - every deduction of the victim succeeded, and its p99 is a bounded multiple of its p99 alone.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Scope } from '../../src/auth/principal.js';
import { newApiKey } from './api-keys.js';
import { givenUrl } from './fresh-database.js';
import { closeClient } from './graphql-client.js';
import { startServer, type ServerProcess } from './server-process.js';
import { Shop } from './shop.js';
import { pass } from './until.js';

const HEAP_MEBIBYTES = 256;
const MEMORY_MAX_MEBIBYTES = 512;
/** By what one connection or one request can do, and by what many can do at once. */
const LOOP_STOPPED_MAX_MS = { 'one connection': 250, 'many connections': 1_000 } as const;
/** Of the victim's p99 beside an attack to its p99 alone. */
const RATIO_MAX = 25;
/** A p99 alone below this counts as this: the scheduler of a busy machine has slices of a few milliseconds. */
const P99_ALONE_MIN_MS = 10;
/** A p99 alone after an attack counts as at most so many times that before all attacks. */
const SLOWER_MAX = 4;
const ALONE_MS = 2_000;
/** A pause of the machine comes once; what an attack does to the server, it does each time. */
const TRIES = 3;
/** The victim is watched for at least so long, however short the attack. */
const WATCHED_MIN_MS = 1_500;
const VICTIM_UNITS = 1_000_000;

/** What the victim saw since it was last asked. */
interface VictimReport {
  readonly deductions: number;
  readonly failed: number;
  readonly failures: readonly string[];
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Arena {
  readonly shop: Shop;
  readonly server: ServerProcess;
  readonly graphqlUrl: string;
  /** The product that the victim deducts. */
  readonly victimProduct: string;
  /** A new API key. */
  key(name: string, scopes: readonly Scope[]): Promise<string>;
  /**
   * Runs the attack beside the victim, and asserts what must hold after it. Resolves with the attack's result.
   *
   * @param attack is run again where a time was too long.
   */
  withstands<T>(attack: () => Promise<T>, by?: keyof typeof LOOP_STOPPED_MAX_MS): Promise<T>;
}

/** Call it once in a test file, before other hooks. */
export function useArena(env: () => Record<string, string> = () => ({})): Arena {
  let shop: Shop;
  let server: ServerProcess;
  let victim: Victim;
  let aloneAtFirstMs = 0;
  let victimProduct = '';

  beforeAll(async () => {
    shop = await Shop.open();
    server = await startServer({
      MYSQL_URL: shop.database.url,
      REDIS_URL: givenUrl('REDIS_URL'),
      NODE_ENV: 'production',
      AUTH: 'keys',
      NODE_OPTIONS: `--max-old-space-size=${HEAP_MEBIBYTES}`,
      LOG_LEVEL: 'info',
      ...env(),
    });
    victimProduct = await shop.newProduct(VICTIM_UNITS);
    const key = await newApiKey(shop.database, 'victim', ['read', 'deduct']);
    victim = new Victim(server.graphqlUrl, key, victimProduct);
    await pass(ALONE_MS); // Compiled and connected; then alone.
    aloneAtFirstMs = await p99AloneMs(victim);
  });

  afterEach(closeClient);

  afterAll(async () => {
    await victim.stop();
    await server.stop();
    const problems = await shop.problems();
    await shop.close();
    expect(problems).toEqual([]);
  });

  return {
    get shop() {
      return shop;
    },
    get server() {
      return server;
    },
    get graphqlUrl() {
      return server.graphqlUrl;
    },
    get victimProduct() {
      return victimProduct;
    },
    key: (name, scopes) => newApiKey(shop.database, name, scopes),
    withstands: async (attack, by = 'one connection') => {
      let aloneMs = aloneAtFirstMs;
      const isCalm = ({ p99Ms, stoppedMs }: Watched<unknown>) =>
        p99Ms / aloneMs <= RATIO_MAX && stoppedMs <= LOOP_STOPPED_MAX_MS[by];
      const watch = () => watchDuring(attack, { server, victim, aloneMs });
      let watched = await watch();
      for (let tried = 1; tried < TRIES && !isCalm(watched); tried += 1) {
        // Both are of the machine as it is now: it may have become slower since. The attack's traces would show here.
        const againMs = await leastAloneMs(victim, RATIO_MAX * aloneAtFirstMs);
        expect(againMs / aloneAtFirstMs).toBeLessThanOrEqual(RATIO_MAX);
        aloneMs = Math.min(againMs, SLOWER_MAX * aloneAtFirstMs);
        watched = await watch();
      }
      expect(watched.p99Ms / aloneMs).toBeLessThanOrEqual(RATIO_MAX);
      expect(watched.stoppedMs).toBeLessThanOrEqual(LOOP_STOPPED_MAX_MS[by]);
      return watched.result;
    },
  };
}

interface Watched<T> {
  readonly result: T;
  readonly p99Ms: number;
  /** The longest stop of the server's event loop. */
  readonly stoppedMs: number;
}

async function p99AloneMs(victim: Victim): Promise<number> {
  await victim.report();
  await pass(ALONE_MS);
  const alone = await victim.report();
  expect(alone).toMatchObject({ failed: 0 });
  return Math.max(P99_ALONE_MIN_MS, alone.p99Ms);
}

/** Measured again while it is above: one pause of the machine is the p99 of so few deductions. */
async function leastAloneMs(victim: Victim, enoughMs: number): Promise<number> {
  let leastMs = Infinity;
  for (let tried = 0; tried < TRIES && leastMs > enoughMs; tried += 1) {
    leastMs = Math.min(leastMs, await p99AloneMs(victim));
  }
  return leastMs;
}

/** Runs the attack, prints what the victim saw of it, and asserts what no pause of the machine can explain. */
async function watchDuring<T>(
  attack: () => Promise<T>,
  { server, victim, aloneMs }: { server: ServerProcess; victim: Victim; aloneMs: number },
): Promise<Watched<T>> {
  await loopStoppedMs(server.origin); // Begins to measure anew.
  await victim.report();
  const [result] = await Promise.all([attack(), pass(WATCHED_MIN_MS)]);
  const seen = await victim.report();
  const stoppedMs = await loopStoppedMs(server.origin);
  const memory = memoryPeakMebibytes(server.pid);
  const figures =
    `victim: ${seen.deductions} deductions, p50 ${seen.p50Ms.toFixed(1)} ms, ` +
    `p99 ${seen.p99Ms.toFixed(1)} ms (alone ${aloneMs.toFixed(1)} ms); ` +
    `event loop stopped ${stoppedMs.toFixed(0)} ms; memory ${memory.toFixed(0)} MiB`;
  process.stderr.write(`  ${expect.getState().currentTestName ?? ''}\n    ${figures}\n`);
  expect(seen).toMatchObject({ failed: 0, failures: [] });
  expect(seen.deductions).toBeGreaterThan(0);
  expect(memory).toBeLessThanOrEqual(MEMORY_MAX_MEBIBYTES);
  return { result, p99Ms: seen.p99Ms, stoppedMs };
}

class Victim {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly lines: AsyncIterator<string>;

  constructor(url: string, key: string, product: string) {
    this.child = spawn(process.execPath, ['test/support/victim.mjs'], {
      env: { PATH: process.env.PATH, VICTIM_URL: url, VICTIM_KEY: key, VICTIM_PRODUCT: product },
    });
    this.child.stderr.pipe(process.stderr);
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async report(): Promise<VictimReport> {
    this.child.stdin.write('\n');
    const line = await this.lines.next();
    if (line.done === true) throw new Error('The victim has ended.');
    return JSON.parse(line.value) as VictimReport;
  }

  async stop(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.stdin.end();
    await exited;
  }
}

/** The longest stop of the server's event loop since this was last read. */
async function loopStoppedMs(origin: string): Promise<number> {
  const page = await (await fetch(`${origin}/metrics`)).text();
  const [, seconds] = /^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(page) ?? [];
  if (seconds === undefined) throw new Error('The event loop is not measured.');
  return Number(seconds) * 1_000;
}

/** The most memory that the process has had resident. Zero on systems without /proc. */
function memoryPeakMebibytes(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_024;
  } catch (error) {
    if (process.platform === 'linux') throw error;
    return 0;
  }
}
