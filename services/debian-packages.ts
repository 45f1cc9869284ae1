/**
 * MySQL and Redis from the distribution's packages, unpacked into the project's `.cache/` and never installed. Nothing
 * on the machine changes, no rights are needed, and the folder can be deleted at any time. apt runs with its own
 * configuration, lists and caches, and checks signatures as usual. The programs run with their own loader and
 * libraries, so a server of a newer release runs on an older system. A folder gets its final name only when it is
 * complete, so an interrupted download leaves no incomplete cache.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readDistribution, type AptSource, type Distribution } from './apt-sources.js';
import {
  keepFolder,
  makeFolder,
  reasonOf,
  removeFolder,
  runCommand,
  type CommandOptions,
} from './child-processes.js';
import { isOldRedis, type Program } from './machine-programs.js';
import { ServiceError, WayUnavailable } from './service-errors.js';

const APT_UPDATE_TIMEOUT_MS = 120_000;
const APT_DOWNLOAD_TIMEOUT_MS = 600_000;
const COMMAND_TIMEOUT_MS = 60_000;
const PROGRESS_INTERVAL_MS = 2_000;
/** Longer than a download takes: an older folder was left by a process that was killed. */
const ABANDONED_AFTER_MS = 3_600_000;

export interface PackagesOptions {
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** For tests; by default the project's. */
  readonly cacheFolder?: string | undefined;
}

/** @throws WayUnavailable */
export async function unpackMysql(options: PackagesOptions): Promise<Program> {
  const distribution = readDistribution();
  // Debian's releases have MariaDB only.
  const source = newestSource(distribution);
  const root = await fill({ server: 'MySQL', source, distribution, options, choose: chooseMysql });
  const share = join(root, 'usr/share/mysql');
  return {
    ...(await fromPackages(root, 'usr/sbin/mysqld', distribution, source)),
    args: [
      `--basedir=${join(root, 'usr')}`,
      `--lc-messages-dir=${share}`,
      `--character-sets-dir=${join(share, 'charsets')}`,
      `--plugin-dir=${join(root, 'usr/lib/mysql/plugin')}`,
      '--secure-file-priv=NULL',
    ],
  };
}

/** @throws WayUnavailable */
export async function unpackRedis(options: PackagesOptions): Promise<Program> {
  const distribution = readDistribution();
  const { source } = distribution;
  const choose = () => Promise.resolve(['redis-server', 'redis-tools']);
  const root = await fill({ server: 'Redis', source, distribution, options, choose });
  const program = await fromPackages(root, 'usr/bin/redis-server', distribution, source);
  if (await isOldRedis(program, { env: process.env, signal: options.signal })) {
    throw new WayUnavailable("the distribution's packages have no Redis 7.0 or later");
  }
  return program;
}

/** @throws WayUnavailable */
export async function unpackValkey(options: PackagesOptions): Promise<Program> {
  const distribution = readDistribution();
  // Debian's older releases have none.
  const source = newestSource(distribution);
  const choose = () => Promise.resolve(['valkey-server', 'valkey-tools']);
  const root = await fill({ server: 'Valkey', source, distribution, options, choose });
  return fromPackages(root, 'usr/bin/valkey-server', distribution, source);
}

/** Debian's unstable suite is on the mirrors of its releases. */
function newestSource({ id, source }: Distribution): AptSource {
  return id === 'debian' ? { ...source, suite: 'sid' } : source;
}

async function fromPackages(
  root: string,
  program: string,
  distribution: Distribution,
  { suite }: AptSource,
): Promise<Program> {
  return {
    command: await ownLoader(root, program),
    args: [],
    where: `from the packages of ${titleOf(distribution)} (${suite}), unpacked in .cache/`,
  };
}

function titleOf(distribution: Distribution): string {
  return distribution.id === 'debian' ? 'Debian' : 'Ubuntu';
}

type Apt = (program: 'apt-get' | 'apt-cache', args: string[], timeoutMs: number) => Promise<string>;

async function chooseMysql(apt: Apt): Promise<string[]> {
  const names = await apt('apt-cache', ['pkgnames', 'mysql-server-core'], COMMAND_TIMEOUT_MS);
  const found = names.split('\n').filter((name) => name.startsWith('mysql-server-core'));
  // Debian's package is unversioned; Ubuntu's names carry the version: take the highest.
  const [name] = found.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  if (name === undefined) throw new WayUnavailable("the distribution's packages have no MySQL");
  return [name];
}

interface Fill {
  readonly server: 'MySQL' | 'Redis' | 'Valkey';
  readonly source: AptSource;
  readonly distribution: Distribution;
  readonly options: PackagesOptions;
  readonly choose: (apt: Apt) => Promise<string[]>;
}

/** Returns the folder with the unpacked packages, and creates it if it does not exist. */
async function fill(request: Fill): Promise<string> {
  const { server, source, options } = request;
  const parent = options.cacheFolder ?? join(projectFolder(), '.cache');
  const command: CommandOptions = { signal: options.signal, timeoutMs: COMMAND_TIMEOUT_MS };
  const architecture = (await runCommand('dpkg', ['--print-architecture'], command)).trim();
  const name = `${server.toLowerCase()}-${source.suite}-${architecture}`;
  const final = join(parent, name);
  if (existsSync(final)) return final;

  await mkdir(parent, { recursive: true }).catch((error: unknown) => {
    throw new WayUnavailable(`the cache folder ${parent} cannot be made (${reasonOf(error)})`);
  });
  await removeAbandoned(parent);
  const partial = await makeFolder(parent, 'partial-').catch((error: unknown) => {
    throw error instanceof ServiceError ? new WayUnavailable(error.message.slice(0, -1)) : error;
  });
  try {
    options.log(`${server}: downloading its packages into .cache/, once …`);
    const root = await downloadAndUnpack(partial, request);
    await rename(root, final).catch((error: unknown) => {
      // Another process has filled it meanwhile.
      if (!existsSync(final)) throw error;
    });
    return final;
  } finally {
    await removeFolder(partial);
    keepFolder(partial);
  }
}

async function downloadAndUnpack(partial: string, request: Fill): Promise<string> {
  const { signal } = request.options;
  const configuration = await writeAptConfiguration(partial, request.source);
  const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
  const apt: Apt = (program, args, timeoutMs) =>
    runCommand(program, ['-c', configuration, '-q', ...args], { signal, timeoutMs, env });
  const { server, options } = request;
  const tell = (progress: string) => {
    options.log(`${server}: ${progress}`);
  };
  const list = () => Promise.resolve('the list of packages');
  await telling(list, tell, apt('apt-get', ['update'], APT_UPDATE_TIMEOUT_MS));
  const packages = await request.choose(apt);
  const archives = join(partial, 'archives');
  const uris = await apt('apt-get', ['install', '--print-uris', ...packages], COMMAND_TIMEOUT_MS);
  const totalBytes = bytesOf(uris);
  const downloaded = async () => {
    const bytes = Math.min(await downloadedBytes(archives), totalBytes);
    return `${megabytes(bytes)} of ${megabytes(totalBytes)} MB`;
  };
  const install = ['install', '-y', '--download-only', ...packages];
  await telling(downloaded, tell, apt('apt-get', install, APT_DOWNLOAD_TIMEOUT_MS));

  const root = join(partial, 'root');
  for (const file of await readdir(archives)) {
    // Perl is for the server's maintenance scripts, which are not run here.
    if (!file.endsWith('.deb') || /^(lib)?perl/.test(file)) continue;
    const args = ['-x', join(archives, file), root];
    await runCommand('dpkg', args, { signal, timeoutMs: COMMAND_TIMEOUT_MS });
  }
  return root;
}

/** The sum of the sizes that `apt-get --print-uris` prints, a line for each package: 'address' name size digest. */
function bytesOf(uris: string): number {
  return [...uris.matchAll(/^'[^']+' \S+ (\d+) /gm)].reduce((sum, [, n]) => sum + Number(n), 0);
}

/** Tells at once and then every two seconds how far something is, with the seconds it has taken. */
async function telling<T>(
  state: () => Promise<string>,
  tell: (line: string) => void,
  work: Promise<T>,
): Promise<T> {
  const startedMs = performance.now();
  const tellNow = async () => {
    const line = await state();
    tell(`${line}, ${Math.round((performance.now() - startedMs) / 1_000)} s`);
  };
  void tellNow();
  const timer = setInterval(() => void tellNow(), PROGRESS_INTERVAL_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(0);
}

/** What has been downloaded, and what of the present package has. */
async function downloadedBytes(archives: string): Promise<number> {
  const names = await readdir(archives, { recursive: true }).catch(() => []);
  const files = names.filter((name) => name.endsWith('.deb'));
  const stats = await Promise.all(
    files.map((name) => stat(join(archives, name)).catch(() => ({ size: 0 }))),
  );
  return stats.reduce((sum, { size }) => sum + size, 0);
}

/**
 * apt reads it after the machine's own configuration, so the machine's proxies stay in force. The hooks are cleared,
 * because they would change the machine. The status file is empty: nothing is installed, so every library is fetched.
 */
async function writeAptConfiguration(folder: string, source: AptSource): Promise<string> {
  const inside = (name: string) => join(folder, name);
  for (const name of ['lists/partial', 'archives/partial', 'preferences.d']) {
    await mkdir(inside(name), { recursive: true });
  }
  for (const name of ['status', 'preferences']) await writeFile(inside(name), '');
  const signed = `signed-by=${source.keyring}`;
  const components = source.keyring.includes('ubuntu') ? 'main universe' : 'main';
  await writeFile(
    inside('sources.list'),
    `deb [${signed} target=Packages] ${source.mirror} ${source.suite} ${components}\n`,
  );
  const file = inside('apt.conf');
  const hooks = ['Update::Pre-Invoke', 'Update::Post-Invoke', 'Update::Post-Invoke-Success'];
  const lines = [
    ...hooks.map((hook) => `#clear APT::${hook};`),
    ...['Pre-Invoke', 'Post-Invoke', 'Pre-Install-Pkgs'].map((hook) => `#clear DPkg::${hook};`),
    `Dir::State "${folder}";`,
    `Dir::State::lists "${inside('lists')}";`,
    `Dir::State::status "${inside('status')}";`,
    `Dir::Cache "${folder}";`,
    `Dir::Cache::archives "${inside('archives')}";`,
    `Dir::Etc::sourcelist "${inside('sources.list')}";`,
    'Dir::Etc::sourceparts "-";',
    `Dir::Etc::preferences "${inside('preferences')}";`,
    `Dir::Etc::preferencesparts "${inside('preferences.d')}";`,
    `Dir::Log "${folder}";`,
    'Acquire::Languages "none";',
    'Acquire::Retries "2";',
    // A mirror that lags or is frozen is good enough: its packages are signed.
    'Acquire::Check-Valid-Until "false";',
    'APT::Install-Recommends "false";',
    // apt's user may not write into a folder of the project.
    'APT::Sandbox::User "root";',
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}

async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith('partial-')) continue;
    const folder = join(parent, name);
    const made = await stat(folder).catch(() => null);
    if (made && Date.now() - made.mtimeMs > ABANDONED_AFTER_MS) {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** How to run the program with the loader and the libraries that were unpacked beside it. */
async function ownLoader(root: string, program: string): Promise<readonly [string, ...string[]]> {
  const folders: string[] = [];
  let loader: string | undefined;
  // Releases before the merge of /usr keep some libraries, the loader among them, in /lib.
  for (const base of ['usr/lib', 'lib']) {
    for (const name of await readdir(join(root, base)).catch(() => [])) {
      if (!name.includes('-linux-gnu')) continue;
      const folder = join(root, base, name);
      folders.push(folder);
      const found = (await readdir(folder)).find((file) => /^ld-linux-.*\.so\.\d+$/.test(file));
      if (found !== undefined) loader ??= join(folder, found);
    }
  }
  if (loader === undefined || !existsSync(join(root, program))) {
    throw new WayUnavailable(`${root} is not complete; delete it to have it filled again`);
  }
  return [loader, '--library-path', folders.join(':'), join(root, program)];
}

/** The folder with package.json, from the sources as well as from what is built of them. */
export function projectFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) {
    folder = dirname(folder);
  }
  return folder;
}
