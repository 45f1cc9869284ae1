/**
 * Several private MySQL servers that hold the same data, on one machine: what the kinds of clusters have in common.
 * The members are copies of one prepared data folder, because one initialization takes as long as everything else, and
 * they boot side by side. Their files survive the kill of a process, and not a power failure, because three servers
 * that wait for one disk make slow tests.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { makeTemporaryFolder, removeFolder } from './child-processes.js';
import type { Program, Search } from './machine-programs.js';
import { copyMysqlData, initializeMysql, mysqlRecipe, type MysqlFlavour } from './mysql-data.js';
import { startPrivateServer, type PrivateServer } from './private-server.js';
import { ServiceError } from './service-errors.js';
import type { SearchOptions } from './way-choice.js';

const STATEMENT_TIMEOUT_MS = 30_000;
const PRIMARY_WAIT_MS = 90_000;
const POLL_INTERVAL_MS = 50;

export interface ClusterMember {
  readonly url: string;
  readonly port: number;
  /** Changes with each restart. */
  readonly pid: number;
  /** Sends a signal. If the signal ends the server, resolves when it has ended. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again if it does not run, and resolves when it is a member again. */
  restart(): Promise<void>;
  /** Makes a server that runs, and has left the cluster, a member again. */
  rejoin(): Promise<void>;
}

export interface MysqlCluster {
  readonly members: readonly ClusterMember[];
  readonly version: string;
  /** Where the servers' program comes from, as in "on this machine". */
  readonly where: string;
  /** A member that takes writes; waits for an election. @throws ServiceError where none is found. */
  primary(): Promise<ClusterMember>;
  /** Hands the writes to another member as an operator would: connections stay. */
  switchPrimary(to: ClusterMember): Promise<void>;
  /** Resolves when each of the members has applied what any of them had committed. */
  caughtUp(members?: readonly ClusterMember[]): Promise<void>;
  stop(): Promise<void>;
}

export interface ClusterOptions extends SearchOptions {
  /** Further options of each server; they override the defaults. */
  readonly args?: readonly string[] | undefined;
}

/** Small, and quick to start: three of them share a machine with the tests. */
export const SMALL_SERVER: readonly string[] = [
  '--innodb-buffer-pool-size=64M',
  '--innodb-flush-log-at-trx-commit=2',
  '--sync-binlog=0',
];

/** A member is a private server that can also take its place in the cluster. */
export abstract class Member implements ClusterMember {
  constructor(protected readonly server: PrivateServer) {}

  get url(): string {
    return this.server.url;
  }

  get port(): number {
    return this.server.port;
  }

  get pid(): number {
    return this.server.pid;
  }

  kill(signal: NodeJS.Signals): Promise<void> {
    return this.server.kill(signal);
  }

  async restart(): Promise<void> {
    await this.server.restart();
    await this.rejoin();
  }

  abstract rejoin(): Promise<void>;
}

export interface MembersRequest {
  readonly program: Program;
  readonly flavour: MysqlFlavour;
  readonly count: number;
  readonly search: Search;
  /** Called with the prepared data folder before it is copied. */
  prepare?(folder: string): Promise<void>;
  /** The options of one member, at each of its starts. */
  args(index: number, port: number, folder: string): readonly string[];
  /** Each of them starts when the one before it answers; otherwise all boot at once. */
  readonly oneByOne?: boolean;
}

/** What every member that replicates by GTID needs. */
export function gtidArgs(index: number, port: number): string[] {
  return [
    `--server-id=${index + 1}`,
    '--gtid-mode=ON',
    '--enforce-gtid-consistency=ON',
    '--report-host=127.0.0.1',
    `--report-port=${port}`,
    '--relay-log=relay',
    // The tables about replication are there without it, and a quarter of a gigabyte is saved.
    '--performance-schema=OFF',
  ];
}

/**
 * None of them is a member of anything yet, unless its options say so.
 * @throws WayUnavailable, or the signal's reason.
 */
export async function bootMembers(request: MembersRequest): Promise<PrivateServer[]> {
  const { program, flavour, search, count } = request;
  const template = await makeTemporaryFolder('stockade-cluster-');
  await initializeMysql(program, flavour, template, search);
  await request.prepare?.(template);
  const boot = async (index: number) => {
    const folder = await makeTemporaryFolder('stockade-member-');
    await copyMysqlData(template, folder);
    const args = (port: number) => request.args(index, port, folder);
    return startPrivateServer(mysqlRecipe(program, flavour, folder, args), search);
  };
  const booting: Promise<PrivateServer>[] = [];
  for (let index = 0; index < count; index++) {
    const booted = boot(index);
    booting.push(booted);
    if (request.oneByOne) await booted.catch(() => undefined);
  }
  const outcomes = await Promise.allSettled(booting);
  await removeFolder(template);
  const members = outcomes.flatMap((o) => (o.status === 'fulfilled' ? [o.value] : []));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (!failed) return members;
  await stopAll(members);
  throw failed.reason;
}

/** Their files are thrown away, so they need not stop cleanly. */
export async function stopAll(members: readonly PrivateServer[]): Promise<void> {
  await Promise.all(members.map((member) => member.kill('SIGKILL').then(() => member.stop())));
}

/** Runs statements one after another in one session; resolves with the rows of the last one. */
export async function runSql<T>(
  url: string,
  statements: readonly string[],
  timeoutMs = STATEMENT_TIMEOUT_MS,
): Promise<T[]> {
  const connection = await createConnection({ uri: url, connectTimeout: timeoutMs });
  // A server that dies meanwhile fails the query; the event needs no handling.
  connection.on('error', () => undefined);
  try {
    let rows: unknown = [];
    for (const sql of statements) [rows] = await connection.query({ sql, timeout: timeoutMs });
    return rows as (T & RowDataPacket)[];
  } finally {
    connection.destroy();
  }
}

/** The first member of which the question is answered by true; asks them again and again, within a bound. */
export async function findMember<M extends ClusterMember>(
  what: string,
  members: readonly M[],
  isIt: (member: M) => Promise<boolean>,
): Promise<M> {
  const giveUpMs = performance.now() + PRIMARY_WAIT_MS;
  for (;;) {
    for (const member of members) {
      if (await isIt(member).catch(() => false)) return member;
    }
    if (performance.now() > giveUpMs) {
      throw new ServiceError(`No member is ${what} after ${PRIMARY_WAIT_MS / 1_000} s.`);
    }
    await wait(POLL_INTERVAL_MS);
  }
}

/** Each member waits for the transactions that any of them has executed. */
export async function waitForEqualGtids(members: readonly ClusterMember[]): Promise<void> {
  const executed = await Promise.all(
    members.map(({ url }) => runSql<{ ids: string }>(url, ['SELECT @@gtid_executed AS ids'])),
  );
  const all = executed.flatMap((rows) => rows.map(({ ids }) => ids.replaceAll('\n', '')));
  const waiting = all.map((ids) => `SELECT WAIT_FOR_EXECUTED_GTID_SET('${ids}')`);
  await Promise.all(members.map(({ url }) => runSql(url, waiting)));
}
