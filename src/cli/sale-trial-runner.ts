/**
 * Tries a sale for the console of `stockade dev`: a new product, servers of its own with the chosen STOCK_LOCK on the
 * MySQL and the Redis of the development server, and a process with the buyers. One trial at a time, its sale within a
 * bound of time; whatever way it ends, its processes end with it.
 */
import { randomBytes } from 'node:crypto';
import { freePort } from '../../services/private-server.js';
import { startSeveralRedis } from '../../services/redis-several.js';
import { ServiceError } from '../../services/service-errors.js';
import type { Config } from '../config.js';
import { openPool } from '../database/pool.js';
import { verifyLedger } from '../database/reading/ledger-verification.js';
import { readDeductedUnits } from '../database/reading/deducted-units.js';
import type {
  SaleTrial,
  SaleTrialLedger,
  SaleTrialRequest,
  SaleTrials,
} from '../graphql/sale-trials.js';
import { createDevelopmentKey } from './development-key.js';
import { ORDER_VARIABLE, totalOf, type SaleOrder, type SaleReport } from './sale-report.js';
import { startProgram, startServer, untilReady, type RunningServer } from './server-processes.js';
import { TrialProgress } from './trial-progress.js';
import { verdictOf } from './verify-ledger.js';

const HOST = '127.0.0.1';
/** How many buyers wait at the same time; further ones ask when these have their answers. */
const AT_ONCE_MAX = 1_000;
const SELLING_MAX_MS = 60_000;
/** The start of the servers is within it as well. Of the check that follows, each statement may take so long. */
const TRIAL_MAX_MS = 180_000;
const STOP_GRACE_MS = 2_000;
/** REDLOCK needs a majority of independent servers. */
const REDLOCK_SERVERS = 3;

const CREATE_PRODUCT = `mutation CreateTrialProduct($input: CreateProductInput!) {
  createProduct(input: $input) { __typename ... on Error { message } }
}`;

export interface TrialSettings {
  readonly config: Config;
  /** Of the development server: what its own servers are started with. */
  readonly env: NodeJS.ProcessEnv;
}

interface Stoppable {
  stop(): Promise<void>;
}

interface Running {
  readonly progress: TrialProgress;
  readonly interruption: AbortController;
  /** Fulfilled when its processes have ended; it never fails. */
  readonly ended: Promise<void>;
}

export class SaleTrialRunner implements SaleTrials {
  private running: Running | null = null;

  constructor(private readonly settings: TrialSettings) {}

  start(request: SaleTrialRequest): { readonly begun: boolean; readonly trial: SaleTrial } {
    const { running } = this;
    if (running && !running.progress.isOver) {
      return { begun: false, trial: running.progress.snapshot() };
    }
    const progress = new TrialProgress(randomBytes(4).toString('hex'), request);
    const interruption = new AbortController();
    // The processes of the one before may still be ending.
    const before = running?.ended ?? Promise.resolve();
    const ended = before.then(() => this.run(progress, interruption.signal));
    void ended.then(() => this.check(progress));
    this.running = { progress, interruption, ended };
    return { begun: true, trial: progress.snapshot() };
  }

  latest(): SaleTrial | null {
    return this.running?.progress.snapshot() ?? null;
  }

  stop(id: string): SaleTrial | null {
    const { running } = this;
    if (running?.progress.id !== id) return null;
    running.progress.end('STOPPED', null);
    running.interruption.abort();
    return running.progress.snapshot();
  }

  /** Resolves when no process of a trial is left. */
  async close(): Promise<void> {
    const { running } = this;
    if (!running) return;
    this.stop(running.progress.id);
    await running.ended;
  }

  private async run(progress: TrialProgress, stopped: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([stopped, AbortSignal.timeout(TRIAL_MAX_MS)]);
    const started: Stoppable[] = [];
    try {
      await this.sell(progress, started, signal);
    } catch (error) {
      const late = `It took longer than ${TRIAL_MAX_MS / 1_000} s.`;
      progress.end('FAILED', signal.aborted ? late : messageOf(error));
    } finally {
      await Promise.allSettled(started.map((each) => each.stop()));
    }
  }

  private async check(progress: TrialProgress): Promise<void> {
    if (progress.isOver) return;
    try {
      progress.verified(await this.verify(progress));
    } catch (error) {
      progress.end('FAILED', messageOf(error));
    }
  }

  private async sell(
    progress: TrialProgress,
    started: Stoppable[],
    signal: AbortSignal,
  ): Promise<void> {
    // Where the development server asks for credentials, the servers of the trial do as well.
    const key = await createDevelopmentKey(this.settings.config, 'sale-trial');
    started.push({ stop: () => key.revoke() });
    const { authorization } = key;
    const env = await this.environmentOf(progress, started, signal);
    const servers: RunningServer[] = [];
    const lines: string[] = [];
    for (let i = 0; i < progress.request.servers; i += 1) {
      const onLine = (line: string) => lines.push(line);
      const server = await startServer({ port: await freePort(), env, onLine });
      started.push({ stop: () => server.process.stop(STOP_GRACE_MS) });
      servers.push(server);
    }
    try {
      await Promise.all(servers.map((server) => untilReady(server, HOST, signal)));
    } catch (error) {
      // The lines of a server that did not start say why.
      throw lines.length > 0 && !signal.aborted ? new ServiceError(lines.join(' ')) : error;
    }
    const urls = servers.map(({ port }) => `http://${HOST}:${port}`);
    await createProduct(urls[0] ?? '', progress, { authorization, signal });
    progress.enter('SELLING');
    const { buyers } = progress.request;
    const order: SaleOrder = {
      ...{ urls, buyers, authorization },
      productId: progress.productId,
      atOnce: Math.min(buyers, AT_ONCE_MAX),
      limitMs: SELLING_MAX_MS,
    };
    await letBuy(order, progress, { started, signal });
    progress.enter('CHECKING');
  }

  private async environmentOf(
    { request: { lock } }: TrialProgress,
    started: Stoppable[],
    signal: AbortSignal,
  ): Promise<NodeJS.ProcessEnv> {
    const { config, env } = this.settings;
    const own: NodeJS.ProcessEnv = {
      ...env,
      HOST,
      STOCK_LOCK: lock,
      AUTH: config.auth.length > 0 ? 'keys' : 'none',
      WORKERS: '1',
      LOG_LEVEL: 'warn',
      MIGRATE_ON_START: 'false',
      // All buyers are one principal here.
      RATE_LIMIT_PER_SECOND: '0',
      LANE_QUEUE_MAX_PER_PRINCIPAL: String(config.laneQueueMax),
      TRUSTED_DOCUMENTS: '',
      FEDERATION: 'false',
    };
    if (lock !== 'redlock') return own;
    const redis = await startSeveralRedis(REDLOCK_SERVERS, { signal });
    started.push(redis);
    // A lease of a majority has one length.
    return { ...own, REDIS_URL: redis.url, LOCK_TTL_MS: '5000' };
  }

  private async verify(progress: TrialProgress): Promise<SaleTrialLedger> {
    const { units } = progress.request;
    const url = this.settings.config.mysqlUrl;
    const sequelize = openPool({ url, silenceMaxMs: TRIAL_MAX_MS }, 1);
    try {
      const soldUnits = await readDeductedUnits(sequelize, progress.productId);
      const report = await verifyLedger(sequelize);
      return {
        ok: report.problems.length === 0,
        verdict: verdictOf(report),
        soldUnits,
        oversold: Math.max(0, soldUnits - units),
        unexplained: unexplainedOf(progress.report, soldUnits),
      };
    } finally {
      await sequelize.close();
    }
  }
}

async function createProduct(
  url: string,
  { productId: id, request: { buyers, units, lock } }: TrialProgress,
  { authorization, signal }: { authorization: string | null; signal: AbortSignal },
): Promise<void> {
  const name = `Trial: ${buyers} buyers of ${units}, ${lock}`;
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(authorization !== null && { authorization }),
    },
    body: JSON.stringify({
      query: CREATE_PRODUCT,
      variables: { input: { id, name, quantity: units } },
    }),
    signal,
  });
  const { data, errors } = (await response.json()) as {
    readonly data?: { readonly createProduct: { __typename: string; message?: string } } | null;
    readonly errors?: readonly { readonly message: string }[];
  };
  if (data?.createProduct.__typename === 'Product') return;
  const why = data?.createProduct.message ?? errors?.[0]?.message ?? 'it was not answered';
  throw new ServiceError(`The product of the trial could not be created: ${why}`);
}

/** Resolves when the process with the buyers has ended. @throws ServiceError where it ended too early. */
async function letBuy(
  order: SaleOrder,
  progress: TrialProgress,
  { started, signal }: { readonly started: Stoppable[]; readonly signal: AbortSignal },
): Promise<void> {
  let complaint = '';
  const env = { ...process.env, [ORDER_VARIABLE]: JSON.stringify(order) };
  const onLine = (line: string) => {
    if (line.startsWith('{"atMs"')) progress.add(JSON.parse(line) as SaleReport);
    else complaint ||= line;
  };
  const buyers = await startProgram(['sale-buyers.js'], { env, onLine });
  const stop = () => buyers.stop(0);
  started.push({ stop });
  const kill = () => void stop();
  signal.addEventListener('abort', kill);
  if (signal.aborted) kill();
  await buyers.exited;
  signal.removeEventListener('abort', kill);
  signal.throwIfAborted();
  if (progress.report.latencies === null) {
    throw new ServiceError(`The process with the buyers ended too early. ${complaint}`.trim());
  }
}

/** A request that failed may have been carried out. */
function unexplainedOf({ sold, failed }: SaleReport, soldUnits: number): number {
  return Math.max(0, sold - soldUnits, soldUnits - sold - totalOf(failed));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
