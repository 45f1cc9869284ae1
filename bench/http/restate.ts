/**
 * An actor for each product: Restate's server on one node with its default durability (each write to its log is
 * flushed), and in this process the service with its virtual objects. Clients call the server's ingress.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  ServerProcess,
  deathPact,
  lastComplaint,
  makeTemporaryFolder,
} from '../../services/child-processes.js';
import { freePort } from '../../services/private-server.js';
import { importRival } from './rival-packages.js';

interface Program {
  readonly serveObjects: (options: {
    readonly units: number;
    readonly host: string;
    readonly port: number;
  }) => Promise<void>;
  readonly programOf: (platform: string, architecture: string) => string;
}

const HOST = '127.0.0.1';
const START_TIMEOUT_MS = 25_000;
const POLL_INTERVAL_MS = 100;
const REQUEST_TIMEOUT_MS = 10_000;
/** As many as each product of the other contenders has. */
const UNITS = 1_000_000_000;

const { serveObjects, programOf } = (await importRival('restate-object.mjs')) as Program;
const servicePort = await freePort();
await serveObjects({ units: UNITS, host: HOST, port: servicePort });
const adminPort = await freePort();
const folder = await makeTemporaryFolder('stockade-restate-');
const log = join(folder, 'server.log');
const server = await startServer();
await untilHealthy();
await register();

// Its folder goes with this process.
process.on('SIGTERM', () => {
  void server.stop(0).then(() => process.exit(0));
});

async function startServer(): Promise<ServerProcess> {
  const data = join(folder, 'data');
  await mkdir(data);
  const settings = [
    ...['RESTATE_DISABLE_TELEMETRY=true', 'DO_NOT_TRACK=1', 'RESTATE_ADMIN__DISABLE_WEB_UI=true'],
    ...['RESTATE_LOG_FILTER=warn', `RESTATE_ADMIN__BIND_PORT=${adminPort}`],
    `RESTATE_INGRESS__BIND_PORT=${process.env.PORT ?? ''}`,
  ];
  const args = [
    ...['--base-dir', data, '--node-name', 'bench', '--no-logo', '--listen-mode', 'tcp'],
    ...['--bind-ip', HOST, '--advertised-host', HOST, '--bind-port', String(await freePort())],
  ];
  const program = fileURLToPath(programOf(process.platform, process.arch));
  const pact = await deathPact();
  const [command, ...rest] = [...pact, 'env', ...settings, program, ...args] as [
    string,
    ...string[],
  ];
  return new ServerProcess(command, rest, log);
}

async function untilHealthy(): Promise<void> {
  const giveUpMs = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const isHealthy = await fetch(`http://${HOST}:${adminPort}/health`, {
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    }).then(
      (response) => response.ok,
      () => false,
    );
    if (isHealthy) return;
    if (!server.alive || performance.now() > giveUpMs) {
      const said = lastComplaint(await readFile(log, 'utf8').catch(() => ''));
      throw new Error(`Restate did not start: ${said}`);
    }
    await wait(POLL_INTERVAL_MS);
  }
}

async function register(): Promise<void> {
  const response = await fetch(`http://${HOST}:${adminPort}/deployments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ uri: `http://${HOST}:${servicePort}` }),
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`Restate took no service: ${await response.text()}`);
}
