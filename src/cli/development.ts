/**
 * The development server: services, server and a sample catalogue from one command, and all of it stopped at Ctrl-C,
 * also while it is starting. A wrong variable or a taken port is reported before anything is started.
 */
import { SAMPLE_MUTATION, addSampleCatalogue, type Ask } from '../../services/sample-catalogue.js';
import { ServiceError } from '../../services/service-errors.js';
import { bringServices, type Services } from '../../services/services.js';
import { startApp, type App } from '../app.js';
import { SCOPES, type Principal } from '../auth/principal.js';
import type { Config } from '../config.js';
import { announceServices } from './development-services.js';
import { PLACE_HOLDERS, assertPortIsFree, configure } from './development-settings.js';
import { serveTopology, type TopologyRequest } from './development-topology.js';
import { EXIT } from './exit-codes.js';
import { explainStartFailure } from './start-failure.js';

/** A wrapper may forward the terminal's Ctrl-C, so that it arrives twice; only a later one forces the exit. */
const SAME_SIGNAL_MS = 1_000;

/** One server, or a topology of several. Resolves never: the process exits when all is stopped. */
export async function develop(request: TopologyRequest | null): Promise<void> {
  const signal = listenForSignals();
  process.env.NODE_ENV = 'development';
  try {
    if (request) await serveTopology(request, (config) => addSample(config, signal), signal);
    else await serveWithServices(signal);
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) {
      console.error(error instanceof ServiceError ? error.message : explainStartFailure(error));
      process.exitCode = EXIT.failed;
    }
  }
  process.exit();
}

function listenForSignals(): AbortSignal {
  const interruption = new AbortController();
  let firstMs: number | undefined;
  const interrupt = () => {
    const nowMs = performance.now();
    if (firstMs === undefined) {
      firstMs = nowMs;
      console.log('\nStopping …');
      interruption.abort();
    } else if (nowMs - firstMs > SAME_SIGNAL_MS) {
      process.exit(EXIT.interrupted);
    }
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, interrupt);
  // A closed terminal takes no more lines; the stop goes on in order.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
  return interruption.signal;
}

async function serveWithServices(signal: AbortSignal): Promise<void> {
  const { host, port } = configure(PLACE_HOLDERS);
  await assertPortIsFree(host, port);
  const log = (line: string) => {
    console.log(line);
  };
  log('Finding MySQL and Redis …');
  const services = await bringServices({ env: process.env, signal, log });
  try {
    await serve(services, signal);
  } finally {
    await services.stop();
  }
}

async function serve(services: Services, signal: AbortSignal): Promise<void> {
  const { mysql, redis } = services;
  const urls = { mysqlUrl: mysql.url, redisUrl: redis.url };
  const config = configure(urls);
  const app = await startApp(config);
  const withdraw = announceServices(urls);
  try {
    signal.throwIfAborted();
    const added = await addSampleCatalogue(askerOf(app, config), signal);
    console.log(greet(services, { app, config, added }));
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => {
        resolve();
      });
    });
  } finally {
    withdraw();
    await app.stop();
  }
}

/** By a server that migrates the database, listens on no known port, and is gone afterwards. */
async function addSample(config: Config, signal: AbortSignal): Promise<number> {
  const app = await startApp({ ...config, port: 0 });
  try {
    return await addSampleCatalogue(askerOf(app, config), signal);
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

function greet(
  services: Services,
  { app, config, added }: { readonly app: App; readonly config: Config; readonly added: number },
): string {
  // Browsers know the loopback by this name, and Sandbox trusts it.
  const address = app.url.replace(/\/\/(127\.0\.0\.1|0\.0\.0\.0|\[::1?\])(?=[:/])/, '//localhost');
  const sample = added === 0 ? 'was there already' : `added, ${added} products`;
  return `
${services.mysql.chosen}
${services.redis.chosen}
Sample catalogue: ${sample}.
${howToAuthenticate(config)}
${howToReach(services)}
Stockade serves ${address}
Open it in a browser for Apollo Sandbox, and paste:

${SAMPLE_MUTATION}

Ctrl-C stops everything.`;
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
While this runs, "npm run import", "export", "keys" and "verify-ledger" find its database.
For other programs:

  export ${brought.join(' ')}
`;
}
