/**
 * Galera on MariaDB, three nodes on one machine. The first node founds the cluster, the others join it one after
 * another. A node that is killed is left out after about three seconds; the defaults of Galera need more than five.
 *
 * The nodes are copies of one data folder in which a node has already founded a cluster and stopped, so each knows its
 * position, and a joiner gets what it lacks from the cache of another node. Galera nevertheless asks for a script that
 * copies whole data folders. The one here copies nothing: it tells the joiner where to begin.
 */
import { existsSync } from 'node:fs';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { makeTemporaryFolder, removeFolder, runCommand } from './child-processes.js';
import { findMariadbd, type Program, type Search } from './machine-programs.js';
import {
  Member,
  SMALL_SERVER,
  bootMembers,
  findMember,
  runSql,
  stopAll,
  type ClusterMember,
  type ClusterOptions,
  type MysqlCluster,
} from './mysql-cluster.js';
import { mysqlRecipe } from './mysql-data.js';
import { freePort, startPrivateServer, type PrivateServer } from './private-server.js';
import { ServiceError, WayUnavailable } from './service-errors.js';
import { readSearch, takeFirstWay } from './way-choice.js';

const NODES = 3;
const QUESTION_TIMEOUT_MS = 2_000;
const RECOVERY_TIMEOUT_MS = 60_000;
const RESTARTS_MAX = 5;
const RESTART_PAUSE_MS = 1_000;
const LIBRARIES = [
  '/usr/lib/galera/libgalera_smm.so',
  '/usr/lib64/galera-4/libgalera_smm.so',
  '/usr/lib64/galera/libgalera_smm.so',
];
/** Not `none` or `skip`, which Galera takes for: the joiner has all it needs. */
const TRANSFER = 'local';
const TRANSFER_SCRIPT = `#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in
    --role) role=$2 ;;
    --address) address=$2 ;;
    --gtid) position=$2 ;;
    --datadir) folder=$2 ;;
    --bypass) bypass=yes ;;
  esac
  shift
done
if [ "$role" = donor ]; then
  [ "$bypass" ] || exit 1
  echo "$position" > "\${address#127.0.0.1}"
  echo "done $position"
else
  pipe=\${folder%/}/state-transfer
  rm -f "$pipe"
  mkfifo "$pipe"
  echo "ready 127.0.0.1$pipe"
  # A joiner may have died meanwhile.
  timeout 60 cat "$pipe"
fi
`;

/** From this machine's MariaDB and its library of Galera. @throws ServiceError, or the signal's reason. */
export async function startGalera(options: ClusterOptions = {}): Promise<MysqlCluster> {
  const search = readSearch(options);
  const run = async () => startNodes(await findMariadbd(search), options, search);
  return takeFirstWay(
    [{ way: 'mariadb', title: 'MariaDB with Galera on this machine', run }],
    search,
    {
      what: 'Galera',
      install:
        'Install MariaDB 10.6 or later and Galera, as in "apt install mariadb-server-core galera-4".',
    },
  );
}

/** One node: its ports, and how it is to start next. */
class NodeStart {
  folder = '';
  founds = false;
  /** Where a node that was killed goes on, as its data say. */
  position: string | null = null;

  constructor(
    readonly groupPort: number,
    readonly transferPort: number,
  ) {}
}

interface Installation {
  readonly program: Program;
  readonly library: string;
  readonly scripts: string;
}

async function startNodes(mariadbd: Program, options: ClusterOptions, search: Search) {
  const library = LIBRARIES.find((path) => existsSync(path));
  if (library === undefined) throw new WayUnavailable('this machine has no libgalera_smm.so');
  const scripts = await makeTemporaryFolder('stockade-galera-');
  const installation = { program: withScripts(mariadbd, scripts, search), library, scripts };
  try {
    await writeFile(join(scripts, `wsrep_sst_${TRANSFER}`), TRANSFER_SCRIPT);
    await chmod(join(scripts, `wsrep_sst_${TRANSFER}`), 0o700);
    return await bootNodes(installation, options, search);
  } catch (error) {
    await removeFolder(scripts);
    throw error;
  }
}

/** The server looks for the script of a transfer along its PATH. */
function withScripts(program: Program, scripts: string, { env }: Search): Program {
  const path = `PATH=${scripts}:${env.PATH ?? ''}`;
  return { ...program, command: ['/usr/bin/env', path, ...program.command] };
}

async function bootNodes(installation: Installation, options: ClusterOptions, search: Search) {
  const { program } = installation;
  const starts: NodeStart[] = [];
  const ports = await freePorts(2 * NODES);
  for (let i = 0; i < NODES; i++)
    starts.push(new NodeStart(ports[2 * i] ?? 0, ports[2 * i + 1] ?? 0));
  const [first] = starts;
  if (first) first.founds = true;
  const argsOf = (start: NodeStart, index: number): readonly string[] => [
    ...nodeArgs(installation, starts, start),
    `--server-id=${index + 1}`,
    ...(options.args ?? []),
  ];
  const servers = await bootMembers({
    program,
    flavour: 'mariadb',
    count: NODES,
    search,
    oneByOne: true,
    prepare: (folder) => foundOnce(installation, folder, search),
    args: (index, _, folder) => {
      const start = starts[index];
      if (!start) throw new Error(`There is no node ${index}.`);
      start.folder = folder;
      return argsOf(start, index);
    },
  });
  return new GaleraCluster(servers, starts, installation);
}

/** All different: a port that was free a moment ago may be given again. */
async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

function nodeArgs(
  { library }: Installation,
  starts: readonly NodeStart[],
  { groupPort, transferPort, founds, position }: NodeStart,
): string[] {
  const provider = {
    'gmcast.listen_addr': `tcp://127.0.0.1:${groupPort}`,
    'ist.recv_addr': `127.0.0.1:${transferPort}`,
    'gcache.size': '64M',
    'evs.keepalive_period': 'PT0.5S',
    'evs.inactive_check_period': 'PT0.5S',
    'evs.suspect_timeout': 'PT2S',
    'evs.inactive_timeout': 'PT4S',
  };
  const addresses = starts.map((start) => `127.0.0.1:${start.groupPort}`).join(',');
  return [
    ...SMALL_SERVER,
    '--binlog-format=ROW',
    '--innodb-autoinc-lock-mode=2',
    '--wsrep-on=ON',
    `--wsrep-provider=${library}`,
    '--wsrep-cluster-name=stockade',
    `--wsrep-cluster-address=gcomm://${addresses}`,
    `--wsrep-node-address=127.0.0.1:${groupPort}`,
    `--wsrep-sst-method=${TRANSFER}`,
    `--wsrep-provider-options=${Object.entries(provider)
      .map(([name, value]) => `${name}=${value}`)
      .join(';')}`,
    ...(founds ? ['--wsrep-new-cluster'] : []),
    ...(position === null ? [] : [`--wsrep-start-position=${position}`]),
  ];
}

/** Gives the prepared data a place in the history of a cluster, so that its copies can join by what they lack. */
async function foundOnce(
  installation: Installation,
  folder: string,
  search: Search,
): Promise<void> {
  const [groupPort = 0, transferPort = 0] = await freePorts(2);
  const alone = new NodeStart(groupPort, transferPort);
  alone.founds = true;
  const args = () => nodeArgs(installation, [alone], alone);
  const server = await startPrivateServer(
    mysqlRecipe(installation.program, 'mariadb', folder, args),
    search,
  );
  await server.kill('SIGTERM');
  await rm(join(folder, 'data', 'galera.cache'), { force: true });
}

class GaleraCluster implements MysqlCluster {
  readonly members: readonly GaleraNode[];

  constructor(
    private readonly servers: readonly PrivateServer[],
    starts: readonly NodeStart[],
    private readonly installation: Installation,
  ) {
    this.members = servers.map((server, i) => {
      const start = starts[i];
      if (!start) throw new Error(`There is no node ${i}.`);
      start.founds = false;
      return new GaleraNode(server, start, {
        installation,
        othersAreThere: (node) => this.isThereWithout(node),
      });
    });
  }

  get version(): string {
    return this.servers[0]?.version ?? '';
  }

  get where(): string {
    return this.servers[0]?.where ?? '';
  }

  primary(): Promise<ClusterMember> {
    return findMember('able to write', this.members, (node) => node.isReady());
  }

  /** Every node takes writes, always. */
  async switchPrimary(): Promise<void> {
    await this.primary();
  }

  async caughtUp(members: readonly ClusterMember[] = this.members): Promise<void> {
    // Each waits until it has applied what was committed anywhere before.
    const statements = ['SET SESSION wsrep_sync_wait = 15', 'SELECT 1'];
    await Promise.all(members.map(({ url }) => runSql(url, statements)));
  }

  async stop(): Promise<void> {
    await stopAll(this.servers);
    await removeFolder(this.installation.scripts);
  }

  private async isThereWithout(node: GaleraNode): Promise<boolean> {
    const others = this.members.filter((other) => other !== node);
    const ready = await Promise.all(others.map((other) => other.isReady().catch(() => false)));
    return ready.includes(true);
  }
}

class GaleraNode extends Member {
  constructor(
    server: PrivateServer,
    private readonly start: NodeStart,
    private readonly cluster: {
      readonly installation: Installation;
      othersAreThere(node: GaleraNode): Promise<boolean>;
    },
  ) {
    super(server);
  }

  override async restart(): Promise<void> {
    await this.server.kill('SIGKILL');
    this.start.position = await recoverPosition(this.cluster.installation, this.start.folder);
    this.start.founds = !(await this.cluster.othersAreThere(this));
    if (this.start.founds) await allowToFound(this.start.folder);
    for (let tried = 1; ; tried++) {
      try {
        await super.restart();
        break;
      } catch (error) {
        // While it was away, a connection of another process may have been given one of its ports.
        if (!(error instanceof WayUnavailable) || tried === RESTARTS_MAX) throw error;
        await wait(RESTART_PAUSE_MS);
      }
    }
    this.start.founds = false;
  }

  /** A node that has lost the others founds the cluster anew where none of them is in one. */
  async rejoin(): Promise<void> {
    if (!(await this.isReady()) && !(await this.cluster.othersAreThere(this))) {
      await runSql(this.url, [`SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'`]);
    }
    await findMember('in the cluster', [this], () => this.isReady());
  }

  async isReady(): Promise<boolean> {
    const [row] = await runSql<{ Value: string }>(
      this.url,
      [`SHOW GLOBAL STATUS LIKE 'wsrep_ready'`],
      QUESTION_TIMEOUT_MS,
    );
    return row?.Value === 'ON';
  }
}

/** The last transaction that the data of a node contain, which its own note of the place does not name after a kill. */
async function recoverPosition(
  { program, library }: Installation,
  folder: string,
): Promise<string> {
  const log = join(folder, 'recovery.log');
  const [command, ...args] = program.command;
  await rm(log, { force: true });
  const options = [
    `--datadir=${join(folder, 'data')}`,
    `--socket=${join(folder, 'recovery.sock')}`,
    `--log-error=${log}`,
    '--log-bin=binlog',
    '--binlog-format=ROW',
    '--innodb-autoinc-lock-mode=2',
    '--skip-networking',
    '--wsrep-on=ON',
    `--wsrep-provider=${library}`,
    '--wsrep-cluster-address=gcomm://',
    `--wsrep-sst-method=${TRANSFER}`,
    '--wsrep-recover',
  ];
  const asRoot = process.getuid?.() === 0 ? ['--user=root'] : [];
  const signal = new AbortController().signal;
  const limits = { signal, timeoutMs: RECOVERY_TIMEOUT_MS, cwd: folder };
  await runCommand(
    command,
    [...args, '--no-defaults', ...program.args, ...asRoot, ...options],
    limits,
  );
  const [, position] = /Recovered position: (\S+)/.exec(await readFile(log, 'utf8')) ?? [];
  if (position === undefined) throw new ServiceError('MariaDB recovered no position of its data.');
  return position;
}

/** Galera refuses to found a cluster from a node that was not the last one to leave. */
async function allowToFound(folder: string): Promise<void> {
  const file = join(folder, 'data', 'grastate.dat');
  const state = await readFile(file, 'utf8');
  await writeFile(file, state.replace(/safe_to_bootstrap: 0/, 'safe_to_bootstrap: 1'));
}
