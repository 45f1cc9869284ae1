/**
 * `stockade dev --topology`: several MySQL or several Redis, and several servers, each a process of its own. It prints
 * how to kill each part and what to expect then, so that a reader can watch a failover.
 */
import { interruptible } from '../../services/interruptible.js';
import { ServiceError } from '../../services/service-errors.js';
import { bringTopology, type Topology, type TopologyName } from '../../services/topologies.js';
import type { Config } from '../config.js';
import { announceServices } from './development-services.js';
import {
  PLACE_HOLDERS,
  assertPortIsFree,
  configure,
  developmentEnvironment,
} from './development-settings.js';
import { startServer, untilReady, type RunningServer } from './server-processes.js';
import { untilStopped } from './stop-signals.js';

/** What a server gets beyond its own grace period. */
const STOP_MARGIN_MS = 5_000;
const PORT_MAX = 65_535;

export interface TopologyRequest {
  readonly topology: TopologyName;
  readonly servers: number;
}

/** Adds the sample catalogue; resolves with how many products were added. */
export type AddSample = (config: Config) => Promise<number>;

export async function serveTopology(
  { topology: name, servers: count }: TopologyRequest,
  addSample: AddSample,
  signal: AbortSignal,
): Promise<void> {
  refuseGivenServers();
  const { host, port } = configure(PLACE_HOLDERS);
  if (port === 0) throw new ServiceError('PORT must name the first of the ports; got 0.');
  const last = port + count - 1;
  if (last > PORT_MAX) {
    throw new ServiceError(`${count} servers need ports up to ${last}; PORT is too high.`);
  }
  const ports = Array.from({ length: count }, (_, i) => port + i);
  for (const each of ports) await assertPortIsFree(host, each);
  console.log(`Starting the topology "${name}"; this takes up to a minute …`);
  const log = (line: string) => {
    console.log(line);
  };
  const topology = await bringTopology(name, { env: process.env, signal, log });
  try {
    const { mysqlUrl, redisUrl } = topology;
    const config = configure({ mysqlUrl, redisUrl });
    // It migrates the database as well, so the servers begin with a complete one.
    const added = await addSample(config);
    signal.throwIfAborted();
    await serve(topology, { config, ports, added, name }, signal);
  } finally {
    await topology.stop();
  }
}

function refuseGivenServers(): void {
  const given = ['MYSQL_URL', 'REDIS_URL'].find((name) => process.env[name]);
  if (given === undefined) return;
  throw new ServiceError(
    `--topology brings its own MySQL and Redis, but ${given} is set; unset it.`,
  );
}

interface Plan {
  readonly name: TopologyName;
  readonly config: Config;
  readonly ports: readonly number[];
  readonly added: number;
}

async function serve(topology: Topology, plan: Plan, signal: AbortSignal): Promise<void> {
  const { config, ports } = plan;
  const { mysqlUrl, redisUrl } = topology;
  const env = { ...developmentEnvironment({ mysqlUrl, redisUrl }), MIGRATE_ON_START: 'false' };
  const servers: RunningServer[] = [];
  const withdraw = announceServices({ mysqlUrl, redisUrl });
  try {
    await interruptible(signal, async () => {
      for (const [i, port] of ports.entries()) servers.push(await startNumbered(i + 1, port, env));
      await Promise.all(servers.map((server) => untilReady(server, config.host, signal)));
      console.log(greet(topology, plan, servers));
      await untilStopped(signal);
    });
  } finally {
    withdraw();
    const graceMs = config.shutdownGraceMs + STOP_MARGIN_MS;
    await Promise.all(servers.map((server) => server.process.stop(graceMs)));
  }
}

function startNumbered(number: number, port: number, env: NodeJS.ProcessEnv) {
  const say = (text: string) => {
    console.log(`[server ${number}] ${text}`);
  };
  return startServer({ port, env, onLine: say }).then((server) => {
    void server.process.exited.then(() => {
      say('ended');
    });
    return server;
  });
}

function greet(topology: Topology, plan: Plan, servers: readonly RunningServer[]): string {
  const parts = [
    ...servers.map(({ port, process: { pid } }, i) => ({
      name: `Stockade ${i + 1}`,
      port,
      pid,
      expect: 'Its requests fail; the other servers go on, at the latest after LOCK_TTL_MS.',
    })),
    ...topology.parts,
  ];
  const lines = parts.map(
    ({ name, port, pid, expect }) => `  ${name}, port ${port}\n    kill -9 ${pid}\n    ${expect}`,
  );
  const addresses = servers.map(({ port }) => `  http://localhost:${port}/graphql`);
  return `
${topology.chosen.join('\n')}
Sample catalogue: ${plan.added === 0 ? 'was there already' : `added, ${plan.added} products`}.

Stockade serves, as ${servers.length} processes with the topology "${plan.name}":
${addresses.join('\n')}

For other programs:

  export MYSQL_URL=${topology.mysqlUrl} REDIS_URL=${topology.redisUrl}

To try a failure, kill a part, and watch the lines that follow here:

${lines.join('\n')}

Ctrl-C stops everything.`;
}
