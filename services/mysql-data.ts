/**
 * The data folder of a private MySQL or MariaDB, and how to run a server on it. The accounts and the database
 * `stockade` are made while the folder is initialized. They are in no binary log, so copies of one folder can become
 * the members of one cluster.
 */
import { constants } from 'node:fs';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { askMysql } from './answering.js';
import { removeFolder, runCommand, type CommandOptions } from './child-processes.js';
import { findPrograms, type Program, type Search } from './machine-programs.js';
import type { Recipe } from './private-server.js';
import { ServiceError, WayUnavailable } from './service-errors.js';

const INITIALIZE_TIMEOUT_MS = 120_000;
const BOOT_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 20_000;
const CONNECTIONS_MAX = 500;

export type MysqlFlavour = 'mysql' | 'mariadb';

/** The server may not look names up, so root needs an account for the address, too. MariaDB's script makes it. */
const ACCOUNTS_SQL = `CREATE USER IF NOT EXISTS 'root'@'127.0.0.1';
GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;
`;
const DATABASE_SQL = 'CREATE DATABASE IF NOT EXISTS stockade;\n';

/** Makes `data` in the folder, which is removed if that fails. @throws WayUnavailable, or the signal's reason. */
export async function initializeMysql(
  program: Program,
  flavour: MysqlFlavour,
  folder: string,
  search: Search,
): Promise<void> {
  const limits = { signal: search.signal, timeoutMs: INITIALIZE_TIMEOUT_MS, cwd: folder };
  const initialize = flavour === 'mysql' ? installMysql : installMariadb;
  try {
    await mkdir(join(folder, 'data'));
    await initialize(program, folder, limits, search);
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}

async function installMysql(program: Program, folder: string, limits: CommandOptions) {
  const init = join(folder, 'init.sql');
  await writeFile(init, ACCOUNTS_SQL + DATABASE_SQL);
  const [command, ...loader] = program.command;
  const args = ['--initialize-insecure', `--init-file=${init}`, '--innodb-flush-method=nosync'];
  const options = ['--no-defaults', ...program.args, ...asRoot(), `--datadir=${folder}/data`];
  await runCommand(command, [...loader, ...options, ...args], limits);
}

async function installMariadb(_: Program, folder: string, limits: CommandOptions, search: Search) {
  const [script] = ['mariadb-install-db', 'mysql_install_db'].flatMap((name) =>
    findPrograms(name, search.env),
  );
  if (script === undefined) throw new WayUnavailable('this machine has no mariadb-install-db');
  const init = join(folder, 'init.sql');
  await writeFile(init, DATABASE_SQL);
  const args = ['--auth-root-authentication-method=normal', '--skip-test-db'];
  const options = ['--no-defaults', ...args, `--extra-file=${init}`, ...asRoot()];
  await runCommand(script, [...options, `--datadir=${folder}/data`, `--tmpdir=${folder}`], limits);
}

/** A copy for another server of a cluster: the file with the server's identity is left out. */
export async function copyMysqlData(from: string, to: string): Promise<void> {
  await cp(join(from, 'data'), join(to, 'data'), {
    recursive: true,
    mode: constants.COPYFILE_FICLONE,
  });
  await rm(join(to, 'data', 'auto.cnf'), { force: true });
}

/** The server refuses to run as root unless it is told so. */
function asRoot(): string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : [];
}

/**
 * @param args further options, asked for at each start; they override the others.
 * @param data where it is not in the folder, which is removed when the server stops.
 */
export function mysqlRecipe(
  program: Program,
  flavour: MysqlFlavour,
  folder: string,
  args: (port: number) => readonly string[],
  data = join(folder, 'data'),
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
      `--datadir=${data}`,
      `--socket=${socket}`,
      `--pid-file=${join(folder, 'mysql.pid')}`,
      `--tmpdir=${folder}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      `--max-connections=${CONNECTIONS_MAX}`,
      '--log-bin=binlog',
      ...(flavour === 'mysql' ? ['--mysqlx=OFF'] : []),
      ...args(port),
    ],
    url: (port) => `mysql://root@127.0.0.1:${port}/stockade`,
    ask: async (port) => {
      const answer = await askMysql(`mysql://root@127.0.0.1:${port}/stockade`);
      if (answer.socketPath !== socket) throw new ServiceError('Another server has the port.');
      return answer.version;
    },
  };
}
