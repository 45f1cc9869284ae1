/**
 * A private MySQL (or MariaDB) in a temporary folder, with the user root without a password and the database
 * `stockade`. Its settings are durable as in production, so that benchmarks and kills show what production would. It
 * listens on the loopback only.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { askMysql } from './answering.js';
import { makeTemporaryFolder, removeFolder, runCommand } from './child-processes.js';
import { unpackMysql } from './debian-packages.js';
import { findMariadbd, findMysqld, findPrograms, type Program } from './machine-programs.js';
import { startPrivateServer, type PrivateServer, type Recipe } from './private-server.js';
import { ServiceError, WayUnavailable } from './service-errors.js';
import { readSkippedWays } from './skipped-ways.js';
import { chooseWay, type Attempt } from './way-choice.js';

const INITIALIZE_TIMEOUT_MS = 120_000;
const BOOT_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
const CONNECTIONS_MAX = 500;

export type MysqlFlavour = 'mysql' | 'mariadb';

export interface PrivateMysqlOptions {
  readonly flavour?: MysqlFlavour | undefined;
  readonly port?: number | undefined;
  /** Further options of the server; they override the defaults. */
  readonly args?: readonly string[] | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly log?: ((line: string) => void) | undefined;
}

/** From this machine's programs or the distribution's packages. @throws ServiceError, or the signal's reason. */
export async function startPrivateMysql(options: PrivateMysqlOptions = {}): Promise<PrivateServer> {
  const skipped = readSkippedWays(options.env ?? process.env);
  try {
    return (await chooseWay(privateMysqlWays(options), skipped)).made;
  } catch (error) {
    if (!(error instanceof WayUnavailable)) throw error;
    const name = options.flavour === 'mariadb' ? 'MariaDB' : 'MySQL';
    throw new ServiceError(`No private ${name} can be started: ${error.message}.`, {
      cause: error,
    });
  }
}

export function privateMysqlWays(options: PrivateMysqlOptions): Attempt<PrivateServer>[] {
  const search = {
    env: options.env ?? process.env,
    signal: options.signal ?? new AbortController().signal,
    log: options.log ?? (() => undefined),
  };
  const start = (program: Program, flavour: MysqlFlavour) =>
    startProgram(program, flavour, { ...options, ...search });
  if (options.flavour === 'mariadb') {
    const run = async () => start(await findMariadbd(search), 'mariadb');
    return [{ way: 'mariadb', title: 'MariaDB on this machine', run }];
  }
  return [
    {
      way: 'machine',
      title: 'MySQL on this machine',
      run: async () => start(await findMysqld(search), 'mysql'),
    },
    {
      way: 'packages',
      title: "the distribution's packages",
      run: async () => start(await unpackMysql(search), 'mysql'),
    },
  ];
}

interface StartOptions extends PrivateMysqlOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

async function startProgram(
  program: Program,
  flavour: MysqlFlavour,
  options: StartOptions,
): Promise<PrivateServer> {
  const folder = await makeTemporaryFolder('stockade-mysql-');
  try {
    await mkdir(join(folder, 'data'));
    await writeFile(join(folder, 'init.sql'), INIT_SQL);
    await initialize(program, flavour, folder, options);
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
  return startPrivateServer(mysqlRecipe(program, flavour, folder, options.args ?? []), options);
}

/** Run at each start. The server may not look names up, so root needs an account for the address, too. */
const INIT_SQL = `CREATE USER IF NOT EXISTS 'root'@'127.0.0.1';
GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;
CREATE DATABASE IF NOT EXISTS stockade;
`;

async function initialize(
  program: Program,
  flavour: MysqlFlavour,
  folder: string,
  options: StartOptions,
): Promise<void> {
  const data = `--datadir=${join(folder, 'data')}`;
  const limits = { signal: options.signal, timeoutMs: INITIALIZE_TIMEOUT_MS, cwd: folder };
  if (flavour === 'mysql') {
    const [command, ...loader] = program.command;
    const args = ['--no-defaults', ...program.args, ...asRoot(), '--initialize-insecure', data];
    await runCommand(command, [...loader, ...args], limits);
    return;
  }
  const [script] = ['mariadb-install-db', 'mysql_install_db'].flatMap((name) =>
    findPrograms(name, options.env),
  );
  if (script === undefined) throw new WayUnavailable('this machine has no mariadb-install-db');
  const normal = ['--auth-root-authentication-method=normal', '--skip-test-db'];
  await runCommand(script, ['--no-defaults', ...normal, ...asRoot(), data], limits);
}

/** The server refuses to run as root unless it is told so. */
function asRoot(): string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : [];
}

function mysqlRecipe(
  program: Program,
  flavour: MysqlFlavour,
  folder: string,
  extra: readonly string[],
): Recipe {
  const socket = join(folder, 'mysql.sock');
  return {
    name: flavour === 'mysql' ? 'MySQL' : 'MariaDB',
    where: program.where,
    folder,
    bootTimeoutMs: BOOT_TIMEOUT_MS,
    stopTimeoutMs: STOP_TIMEOUT_MS,
    command: (port) => [
      ...program.command,
      '--no-defaults',
      ...program.args,
      ...asRoot(),
      `--datadir=${join(folder, 'data')}`,
      `--socket=${socket}`,
      `--pid-file=${join(folder, 'mysql.pid')}`,
      `--init-file=${join(folder, 'init.sql')}`,
      `--tmpdir=${folder}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      `--max-connections=${CONNECTIONS_MAX}`,
      '--server-id=1',
      '--log-bin=binlog',
      '--sync-binlog=1',
      '--innodb-flush-log-at-trx-commit=1',
      ...(flavour === 'mysql' ? ['--mysqlx=OFF'] : []),
      ...extra,
    ],
    url: (port) => `mysql://root@127.0.0.1:${port}/stockade`,
    ask: async (port) => {
      const answer = await askMysql(`mysql://root@127.0.0.1:${port}/stockade`);
      if (answer.socketPath !== socket) throw new ServiceError('Another server has the port.');
      return answer.version;
    },
  };
}
