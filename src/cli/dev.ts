/**
 * `stockade dev`: the server with services and a sample catalogue of its own.
 *
 * Nothing else in src/ may import services/, because the server's image does not contain that folder, and services/
 * imports of src/ only what an address is. This command needs both, so it loads `development.ts`, which joins them,
 * when it runs.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { addCommand } from './add-command.js';
import { EXIT } from './exit-codes.js';

/** As services/topologies.ts has it, which must not be loaded before it is known to be there. */
type TopologyName = 'group' | 'galera' | 'sentinel' | 'cluster';

const SERVICES = new URL('../../services/services.js', import.meta.url);

export function addDev(program: Command): void {
  addCommand(program, {
    usage: 'dev',
    summary: 'serve the API with MySQL, Redis and sample data of its own',
    description:
      'Starts MySQL and Redis, serves the API with a sample catalogue, and stops all of it at Ctrl-C. Servers that ' +
      'MYSQL_URL or REDIS_URL name are used instead of new ones. With --topology it starts several MySQL or Redis ' +
      'and several servers, and prints how to kill each of them.',
    notes: 'PORT=4001 serves on another port; several servers take the ports that follow.',
    exitCodes: {
      [EXIT.done]: 'stopped by a signal, also while it was starting',
      [EXIT.failed]: 'the start failed',
      [EXIT.interrupted]: 'a later signal ended it at once',
    },
  })
    .addOption(
      new Option(
        '--topology <name>',
        'group: MySQL Group Replication; galera: MariaDB with Galera; sentinel: Redis with Sentinel; ' +
          'cluster: Redis Cluster',
      ).choices(['group', 'galera', 'sentinel', 'cluster']),
    )
    .option('--servers <number>', 'servers of a topology, each a process (default: 3)', readServers)
    .option(
      '--keep [folder]',
      `keep the data of MySQL for the next start; the folder's default is ${KEPT_DATA}`,
    )
    .option('--demo', 'a small steady sale, so that there is something to see')
    .action(async (options: DevOptions, command: Command) => {
      if (!existsSync(SERVICES)) {
        throw new MissingServicesError();
      }
      const { topology, servers, keep = false, demo = false } = options;
      if (topology === undefined && servers !== undefined) {
        command.error(`error: ${SERVERS_NEED_TOPOLOGY}`);
      }
      if (topology !== undefined && (keep !== false || demo)) {
        command.error(`error: ${TOPOLOGY_STANDS_ALONE}`);
      }
      const { develop } = await import('./development.js');
      await develop({
        topology: topology === undefined ? null : { topology, servers: servers ?? SERVERS },
        keepIn: keep === false ? undefined : resolve(keep === true ? KEPT_DATA : keep),
        demo,
      });
    });
}

interface DevOptions {
  readonly topology?: TopologyName;
  readonly servers?: number;
  readonly keep?: string | boolean;
  readonly demo?: boolean;
}

/** In the present folder. */
const KEPT_DATA = 'stockade-data';
const SERVERS_NEED_TOPOLOGY = '--servers is for the servers of a --topology.';
const TOPOLOGY_STANDS_ALONE = '--topology takes neither --keep nor --demo.';

const SERVERS = 3;
const SERVERS_MAX = 9;

function readServers(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= SERVERS_MAX) return number;
  throw new InvalidArgumentError(`It must be a number from 1 to ${SERVERS_MAX}.`);
}

class MissingServicesError extends Error {
  readonly code = 'SERVICES_MISSING' as const;
  constructor() {
    super(
      '"stockade dev" needs the folder dist/services, which this installation does not contain. ' +
        'Run "stockade start", or use a checkout of the sources.',
    );
    this.name = 'MissingServicesError';
  }
}
