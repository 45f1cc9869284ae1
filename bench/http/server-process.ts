/** The servers of the HTTP scenarios, each in a process of its own, on a free port. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ApiKeys } from '../../src/auth/api-keys.js';
import { toScopes } from '../../src/auth/principal.js';
import { Database } from '../../src/database/connections.js';
import { MysqlApiKeyStore } from '../../src/database/api-key-store.js';
import { freePort } from '../../services/private-server.js';
import type { InstrumentReading } from '../measurement/instruments.js';
import { readChildrenCpuMs } from '../measurement/process-cpu.js';
import { NODE_FLAGS } from '../node-flags.js';
import { openHttpClient } from '../workers/http-load.js';
import type { TestBed } from '../test-bed.js';

interface Kind {
  /** With its arguments. */
  readonly program: readonly [string, ...string[]];
  readonly path: string;
  /** Whether it keeps a ledger in MySQL, which is verified. */
  readonly deducts: boolean;
  /** What becomes of its answers, for the tables. */
  readonly keeps: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether its packages are installed on demand. */
  readonly isRival?: boolean;
  /** Each product has an address of its own, without GraphQL. */
  readonly isPerProduct?: boolean;
}

const DURABLY = 'pool 10';
const FROM_MEMORY = 'from memory';

/** A way of deducting without the product, behind Apollo's standalone server. */
const behindApollo = (contender: string): Kind => ({
  program: ['./apollo-standalone.js'],
  path: '/',
  deducts: true,
  keeps: DURABLY,
  env: { BENCH_CONTENDER: contender },
});

const KINDS: Readonly<Record<string, Kind>> = {
  lanes: {
    program: ['../../src/cli/stockade.js', 'start'],
    path: '/graphql',
    deducts: true,
    keeps: DURABLY,
  },
  'for-update': behindApollo('for-update'),
  'conditional-update': behindApollo('conditional-update'),
  'http-ceiling': {
    program: ['./ceiling-server.js'],
    path: '/graphql',
    deducts: false,
    keeps: FROM_MEMORY,
  },
  'apollo-standalone': {
    program: ['./apollo-standalone.js'],
    path: '/',
    deducts: false,
    keeps: FROM_MEMORY,
  },
  mercurius: {
    program: ['./mercurius.js'],
    path: '/graphql',
    deducts: false,
    keeps: `JIT, ${FROM_MEMORY}`,
    isRival: true,
  },
  restate: {
    program: ['./restate.js'],
    path: '/stock/',
    deducts: false,
    keeps: 'one node, log flushed, no ledger',
    isRival: true,
    isPerProduct: true,
  },
};

export const SERVERS: readonly string[] = Object.keys(KINDS);
/** Those whose packages are installed on demand. */
export const RIVALS: readonly string[] = SERVERS.filter((name) => KINDS[name]?.isRival === true);

/** As in `from memory`. */
export function keepsOf(name: string): string {
  return KINDS[name]?.keeps ?? '';
}

const INSTRUMENTED = new URL('./instrumented.js', import.meta.url).href;
const PATIENCE_MS = 30_000;
const POLL_INTERVAL_MS = 50;

/** What it runs on, and what ends it. */
type Ground = Pick<TestBed, 'services' | 'signal'>;

export class HttpServer {
  private printed = '';
  private childrenCpuMs = 0;

  private constructor(
    readonly url: string,
    /** Includes the API key that a client needs. */
    readonly authorization: string,
    private readonly kind: Kind,
    private readonly child: ChildProcess,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.printed += chunk.toString('utf8')));
    }
  }

  /** Resolves when it answers the operation. @throws with its output if it does not. */
  static async start(name: string, bed: Ground): Promise<HttpServer> {
    const kind = KINDS[name];
    if (!kind) throw new Error(`There is no server named ${name}.`);
    const port = await freePort();
    const key = await newKey(bed, 'deduct');
    const [program, ...args] = kind.program;
    const path = fileURLToPath(new URL(program, import.meta.url));
    const child = spawn(
      process.execPath,
      [...NODE_FLAGS, '--import', INSTRUMENTED, path, ...args],
      {
        env: {
          PATH: process.env.PATH,
          NODE_ENV: 'production',
          AUTH: 'keys',
          // For the ceiling, which has no database with the key.
          BENCH_API_KEY: key,
          LOG_LEVEL: 'warn',
          HOST: '127.0.0.1',
          PORT: String(port),
          MYSQL_URL: bed.services.mysqlUrl,
          REDIS_URL: bed.services.redisUrl,
          ...kind.env,
        },
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        serialization: 'advanced',
        signal: bed.signal,
        killSignal: 'SIGKILL',
      },
    );
    child.on('error', () => undefined);
    const url = `http://127.0.0.1:${port}${kind.path}`;
    const server = new HttpServer(url, `Bearer ${key}`, kind, child);
    await server.untilItAnswers();
    return server;
  }

  /** For a client of this server alone. */
  get urls(): readonly string[] {
    return [this.url];
  }

  /** Whether it keeps a ledger in MySQL. */
  get deducts(): boolean {
    return this.kind.deducts;
  }

  get isPerProduct(): boolean {
    return this.kind.isPerProduct ?? false;
  }

  beginReading(): void {
    this.childrenCpuMs = this.readChildrenCpuMs();
    this.child.send('begin');
  }

  /** What was measured inside it since `beginReading`, with the CPU time of the programs that it runs. */
  async endReading(): Promise<InstrumentReading> {
    const told = once(this.child, 'message', { signal: AbortSignal.timeout(PATIENCE_MS) });
    this.child.send('end');
    const [reading] = (await told) as [InstrumentReading];
    const childrenCpuMs = this.readChildrenCpuMs() - this.childrenCpuMs;
    return { ...reading, cpuMs: reading.cpuMs + childrenCpuMs };
  }

  private readChildrenCpuMs(): number {
    return readChildrenCpuMs(this.child.pid ?? 0);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exited;
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  private async untilItAnswers(): Promise<void> {
    const client = openHttpClient(this, 1);
    const giveUpMs = performance.now() + PATIENCE_MS;
    try {
      for (;;) {
        // A product that does not exist: the operation runs and deducts nothing.
        const answer = await client.deduct('p-none').then(
          () => true,
          (error: unknown) => error instanceof Error && error.message.includes('"FailedItem"'),
        );
        if (answer) return;
        if (this.child.exitCode !== null || performance.now() > giveUpMs) {
          this.kill();
          throw new Error(`The server at ${this.url} did not answer:\n${this.printed}`);
        }
        await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
      }
    } finally {
      await client.close();
    }
  }
}

/** Each request with it is authenticated, and counted by the rate limit. */
export async function newKey(
  { services }: Pick<Ground, 'services'>,
  scope: string,
): Promise<string> {
  const database = new Database({ url: services.mysqlUrl, poolMax: 2, commitsMax: 1 });
  try {
    const keys = new ApiKeys(new MysqlApiKeyStore(database));
    return await keys.create({ name: 'bench', scopes: toScopes([scope]), expiresAt: null });
  } finally {
    await database.close();
  }
}
