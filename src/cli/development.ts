/**
 * The development server: services, server and a sample catalogue from one command, and all of it stopped at Ctrl-C,
 * also while it is starting. A wrong variable or a taken port is reported before anything is started.
 */
import { interruptible } from '../../services/interruptible.js';
import { SAMPLE_MUTATION, addSampleCatalogue, type Ask } from '../../services/sample-catalogue.js';
import { ServiceError } from '../../services/service-errors.js';
import { bringServices, type Services } from '../../services/services.js';
import { startApp, type App } from '../app.js';
import { SCOPES, type Principal } from '../auth/principal.js';
import type { Config } from '../config.js';
import { DemoTraffic } from './demo-traffic.js';
import { announceServices } from './development-services.js';
import {
  PLACE_HOLDERS,
  assertPortIsFree,
  configure,
  developmentEnvironment,
} from './development-settings.js';
import { serveTopology, type TopologyRequest } from './development-topology.js';
import { createDevelopmentKey } from './development-key.js';
import { EXIT } from './exit-codes.js';
import { SaleTrialRunner } from './sale-trial-runner.js';
import { explainStartFailure } from './start-failure.js';
import { onStopSignals, untilStopped } from './stop-signals.js';

export interface DevelopmentRequest {
  /** Several servers; null for one. */
  readonly topology: TopologyRequest | null;
  /** A folder in which the data of MySQL stay. */
  readonly keepIn: string | undefined;
  readonly demo: boolean;
}

/** One server, or a topology of several. Resolves never: the process exits when all is stopped. */
export async function develop(request: DevelopmentRequest): Promise<void> {
  const signal = listenForSignals();
  process.env.NODE_ENV = 'development';
  try {
    const { topology } = request;
    if (topology) await serveTopology(topology, (config) => addSample(config, signal), signal);
    else await serveWithServices(request, signal);
  } catch (error) {
    // What had failed before the stop, or fails in it, is told.
    if (error !== signal.reason) {
      console.error(error instanceof ServiceError ? error.message : explainStartFailure(error));
      process.exitCode = EXIT.failed;
    }
  }
  process.exit();
}

function listenForSignals(): AbortSignal {
  const interruption = new AbortController();
  onStopSignals(['SIGINT', 'SIGTERM', 'SIGHUP'], {
    stop: () => {
      console.log('\nStopping …');
      interruption.abort();
    },
    force: () => process.exit(EXIT.interrupted),
  });
  // A closed terminal takes no more lines; the stop goes on in order.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
  return interruption.signal;
}

async function serveWithServices(request: DevelopmentRequest, signal: AbortSignal): Promise<void> {
  const planned = configure(PLACE_HOLDERS);
  const { host, port, workers } = planned;
  if (request.demo) refuseDemo(planned);
  await assertPortIsFree(host, port);
  const log = (line: string) => {
    console.log(line);
  };
  if (workers > 1) log(`WORKERS=${workers} is for "stockade start": one process serves here.`);
  log('Finding MySQL and Redis …');
  const { keepIn } = request;
  const services = await bringServices({ env: process.env, signal, log, keepIn });
  try {
    await serve(services, request, signal);
  } finally {
    await services.stop();
  }
}

async function serve(
  services: Services,
  { demo, keepIn }: DevelopmentRequest,
  signal: AbortSignal,
): Promise<void> {
  const { mysql, redis } = services;
  const urls = { mysqlUrl: mysql.url, redisUrl: redis.url };
  const config = configure(urls);
  const saleTrials = new SaleTrialRunner({ config, env: developmentEnvironment(urls) });
  const app = await interruptible(signal, () => startApp(config, { saleTrials }));
  const withdraw = announceServices(urls);
  const traffic: Stoppable[] = [];
  try {
    await interruptible(signal, async () => {
      signal.throwIfAborted();
      const added = await addSampleCatalogue(askerOf(app, config), signal);
      if (demo) traffic.push(await startDemo(app, config));
      signal.throwIfAborted();
      console.log(greet(services, { app, config, added, demo, keepIn }));
      await untilStopped(signal);
    });
  } finally {
    withdraw();
    await Promise.all(traffic.map((each) => each.stop()));
    await Promise.all([saleTrials.close(), app.stop()]);
  }
}

function refuseDemo({ auth, trustedDocuments }: Config): void {
  if (auth.length > 0 && !auth.includes('keys')) {
    throw new ServiceError('--demo sends an API key, but AUTH does not accept keys; got AUTH=jwt.');
  }
  if (trustedDocuments !== undefined) {
    throw new ServiceError(
      '--demo sends operations of its own, which TRUSTED_DOCUMENTS refuses; unset it.',
    );
  }
}

interface Stoppable {
  stop(): Promise<void>;
}

async function startDemo(app: App, config: Config): Promise<Stoppable> {
  const key = await createDevelopmentKey(config, 'demo');
  const { authorization } = key;
  const traffic = new DemoTraffic({ url: app.url, authorization, random: Math.random });
  traffic.start();
  return {
    stop: async () => {
      await traffic.stop();
      await key.revoke();
    },
  };
}

/** By a server that migrates the database, listens on no known port, and is gone afterwards. */
async function addSample(config: Config, signal: AbortSignal): Promise<number> {
  const app = await interruptible(signal, () => startApp({ ...config, port: 0 }));
  try {
    return await interruptible(signal, () => addSampleCatalogue(askerOf(app, config), signal));
  } finally {
    await app.stop();
  }
}

/** The sample catalogue is added within the process, so it needs no credential. */
function askerOf(app: App, { auth }: Config): Ask {
  const principal: Principal = { name: 'sample-catalogue', scopes: new Set(SCOPES) };
  return (operation, { signal }) =>
    app.execute(operation, { signal, principal: auth.length > 0 ? principal : null });
}

interface Greeting {
  readonly app: App;
  readonly config: Config;
  readonly added: number;
  readonly demo: boolean;
  readonly keepIn: string | undefined;
}

function greet(services: Services, { app, config, added, demo, keepIn }: Greeting): string {
  // Browsers know the loopback by this name, and Sandbox trusts it.
  const address = app.url.replace(/\/\/(127\.0\.0\.1|0\.0\.0\.0|\[::1?\])(?=[:/])/, '//localhost');
  const sample = added === 0 ? 'was there already' : `added, ${added} products`;
  return `
${services.mysql.chosen}
${services.redis.chosen}
Sample catalogue: ${sample}.${demo ? '\nDemo traffic: at most ten requests a second.' : ''}
${whereDataStay(keepIn)}
${howToAuthenticate(config)}
${howToReach(services)}
Stockade serves ${address}
${pagesOf(address, config)}

A mutation to paste there:

${SAMPLE_MUTATION}

Ctrl-C stops everything.`;
}

function pagesOf(address: string, config: Config): string {
  const at = (path: string) => new URL(path, address).href;
  const pages = [
    ...(config.console
      ? [
          `Console: ${at('/console')}`,
          `Try a sale: ${at('/console/sale')}`,
          `Explorer: ${at('/console/explorer')}`,
        ]
      : []),
    `Metrics: ${at('/metrics')}`,
  ];
  return pages.map((line) => `  ${line}`).join('\n');
}

function whereDataStay(keepIn: string | undefined): string {
  if (process.env.MYSQL_URL) return 'Its data stay in the MySQL that MYSQL_URL names.';
  if (keepIn === undefined) return 'Its data go with it; --keep keeps them.';
  return `Its data stay in ${keepIn}, for the next start with --keep.`;
}

function howToAuthenticate({ auth }: Config): string {
  if (auth.length === 0) return 'No API key is needed: authentication is off.';
  const create = '"npm run keys -- create --name me --scopes read,deduct,manage"';
  const key = auth.includes('keys') ? `create a key with ${create} and send` : 'send';
  return `Authentication is on (AUTH=${auth.join(',')}): ${key} the header "Authorization: Bearer <credential>".`;
}

/** The addresses of servers that the user named are known, and may contain passwords. */
function howToReach({ mysql, redis }: Services): string {
  const { MYSQL_URL, REDIS_URL } = process.env;
  const brought = [
    ...(MYSQL_URL ? [] : [`MYSQL_URL=${mysql.url}`]),
    ...(REDIS_URL ? [] : [`REDIS_URL=${redis.url}`]),
  ];
  if (brought.length === 0) return '';
  return `
While this runs, "npm run import", "export", "keys", "migrate" and "verify-ledger" find its database.
For other programs:

  export ${brought.join(' ')}
`;
}
