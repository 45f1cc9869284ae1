/**
 * A private MySQL (or MariaDB) in a temporary folder, with the user root without a password and the database
 * `stockade`. Its settings are durable as in production, so that benchmarks and kills show what production would. It
 * listens on the loopback only.
 */
import { makeTemporaryFolder } from './child-processes.js';
import { openKeptData, type KeptData } from './kept-data.js';
import { findMariadbd, type Program } from './machine-programs.js';
import { initializeMysql, mysqlRecipe, type MysqlFlavour } from './mysql-data.js';
import { mysqlWays } from './mysql-ways.js';
import { startPrivateServer, type PrivateServer } from './private-server.js';
import { readSearch, takeFirstWay, type Attempt, type SearchOptions } from './way-choice.js';

/** Commits are durable, as in production. */
const DURABLE = ['--sync-binlog=1', '--innodb-flush-log-at-trx-commit=1'];

export interface PrivateMysqlOptions extends SearchOptions {
  readonly flavour?: MysqlFlavour | undefined;
  readonly port?: number | undefined;
  /** Further options of the server; they override the defaults. */
  readonly args?: readonly string[] | undefined;
  /** A folder in which its data stay when it stops. */
  readonly keepIn?: string | undefined;
}

/** From this machine's programs or the distribution's packages. @throws ServiceError, or the signal's reason. */
export async function startPrivateMysql(options: PrivateMysqlOptions = {}): Promise<PrivateServer> {
  const what = options.flavour === 'mariadb' ? 'private MariaDB' : 'private MySQL';
  return takeFirstWay(privateMysqlWays(options), readSearch(options), { what });
}

export function privateMysqlWays(options: PrivateMysqlOptions): Attempt<PrivateServer>[] {
  const search = readSearch(options);
  const start = (program: Program, flavour: MysqlFlavour) =>
    startProgram(program, flavour, { ...options, ...search });
  if (options.flavour === 'mariadb') {
    const run = async () => start(await findMariadbd(search), 'mariadb');
    return [{ way: 'mariadb', title: 'MariaDB on this machine', run }];
  }
  return mysqlWays(search, (program) => start(program, 'mysql'));
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
  const args = ['--server-id=1', ...DURABLE, ...(options.args ?? [])];
  if (options.keepIn !== undefined) {
    return startOnKeptData(options.keepIn, { program, flavour, args }, options);
  }
  const folder = await makeTemporaryFolder('stockade-mysql-');
  await initializeMysql(program, flavour, folder, options);
  return startPrivateServer(
    mysqlRecipe(program, flavour, folder, () => args),
    options,
  );
}

/** Its socket and its log are in a temporary folder: a socket's path must be short. */
async function startOnKeptData(
  parent: string,
  server: { program: Program; flavour: MysqlFlavour; args: readonly string[] },
  options: StartOptions,
): Promise<PrivateServer> {
  const { program, flavour, args } = server;
  const data = await openKeptData(parent, { program, flavour, search: options });
  try {
    const folder = await makeTemporaryFolder('stockade-mysql-');
    const recipe = mysqlRecipe(program, flavour, folder, () => args, data.folder);
    const running = await startPrivateServer(recipe, options);
    return withRelease(running, data);
  } catch (error) {
    await data.release();
    throw error;
  }
}

function withRelease(running: PrivateServer, data: KeptData): PrivateServer {
  const stop = running.stop.bind(running);
  running.stop = () => stop().then(() => data.release());
  return running;
}
