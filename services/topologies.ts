/**
 * Whole installations of several MySQL or several Redis on this machine, to be tried out: which processes each has, and
 * what to expect when one of them is killed.
 */
import { interruptible } from './interruptible.js';
import { startGalera } from './mysql-galera.js';
import { startMysqlGroup } from './mysql-group.js';
import { startPrivateMysql } from './private-mysql.js';
import { startPrivateRedis } from './private-redis.js';
import type { PrivateServer } from './private-server.js';
import { startRedisCluster } from './redis-cluster.js';
import { startRedisSentinel } from './redis-sentinel.js';
import type { BringOptions } from './services.js';

export const TOPOLOGIES = ['group', 'galera', 'sentinel', 'cluster'] as const;
export type TopologyName = (typeof TOPOLOGIES)[number];

/** A process of it. */
export interface Part {
  /** As in `Redis 1, the primary now`. */
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  /** What happens when it is killed; a sentence. */
  readonly expect: string;
}

export interface Topology {
  readonly mysqlUrl: string;
  readonly redisUrl: string;
  /** One line for each kind of server: its version and where it comes from. */
  readonly chosen: readonly string[];
  readonly parts: readonly Part[];
  stop(): Promise<void>;
}

interface Started {
  readonly port: number;
  readonly pid: number;
}

interface Half {
  readonly url: string;
  readonly chosen: string;
  readonly parts: readonly Part[];
  stop(): Promise<void>;
}

/** @throws ServiceError, or the signal's reason; nothing is left behind then. */
export async function bringTopology(name: TopologyName, options: BringOptions): Promise<Topology> {
  const { signal } = options;
  const mysql = await interruptible(signal, () => MYSQL[name](options));
  try {
    const redis = await interruptible(signal, () => REDIS[name](options));
    return {
      mysqlUrl: mysql.url,
      redisUrl: redis.url,
      chosen: [mysql.chosen, redis.chosen],
      parts: [...mysql.parts, ...redis.parts],
      stop: async () => {
        await Promise.all([mysql.stop(), redis.stop()]);
      },
    };
  } catch (error) {
    await mysql.stop();
    throw error;
  }
}

const MYSQL: Readonly<Record<TopologyName, (options: BringOptions) => Promise<Half>>> = {
  group: bringGroup,
  galera: bringGalera,
  sentinel: bringMysql,
  cluster: bringMysql,
};

const REDIS: Readonly<Record<TopologyName, (options: BringOptions) => Promise<Half>>> = {
  group: bringRedis,
  galera: bringRedis,
  sentinel: bringSentinel,
  cluster: bringCluster,
};

async function bringMysql(options: BringOptions): Promise<Half> {
  const server = await startPrivateMysql(options);
  const expect =
    'Writes and reads fail with UNAVAILABLE, and /ready says 503, because it is the only MySQL.';
  return only('MySQL', server, expect);
}

async function bringGroup(options: BringOptions): Promise<Half> {
  const group = await startMysqlGroup({ ...options, mode: 'single-primary' });
  const { members } = group;
  const primary = await group.primary();
  const expectOf = (member: Started) =>
    member.port === primary.port
      ? 'The group elects another primary after about 5 s, and the servers follow it.'
      : 'Nothing is lost and writes go on; a second loss leaves the group without a majority.';
  const name = (member: Started, i: number) =>
    `MySQL ${i + 1}${member.port === primary.port ? ', the primary now' : ''}`;
  return {
    url: severalHosts(members),
    chosen: chosen('MySQL', group),
    parts: members.map((member, i) => part(name(member, i), member, expectOf(member))),
    stop: () => group.stop(),
  };
}

async function bringGalera(options: BringOptions): Promise<Half> {
  const cluster = await startGalera(options);
  const { members } = cluster;
  const expect =
    'Writes go on after about 3 s: servers that used it go to another node. A second loss leaves no majority.';
  return {
    url: severalHosts(members),
    chosen: chosen('MariaDB with Galera', cluster),
    parts: members.map((member, i) => part(`MariaDB ${i + 1}`, member, expect)),
    stop: () => cluster.stop(),
  };
}

function severalHosts(members: readonly Started[]): string {
  const hosts = members.map(({ port }) => `127.0.0.1:${port}`).join(',');
  return `mysql://root@${hosts}/stockade`;
}

async function bringRedis(options: BringOptions): Promise<Half> {
  const server = await startPrivateRedis(options);
  const expect = 'Deductions go on under row locks in MySQL, and more slowly for a hot product.';
  return only('Redis', server, expect);
}

async function bringSentinel(options: BringOptions): Promise<Half> {
  const sentinel = await startRedisSentinel(options);
  const [primary, ...replicas] = atLeastOne(sentinel.servers);
  const elected =
    'Deductions go on under row locks until the sentinels have elected a replica, in about 3 s.';
  return {
    url: sentinel.url,
    chosen: chosen('Redis', primary),
    parts: [
      part('Redis 1, the primary now', primary, elected),
      ...replicas.map((one, i) =>
        part(`Redis ${i + 2}, a replica now`, one, 'Nothing changes; the other replica remains.'),
      ),
      ...sentinel.sentinels.map((one, i) =>
        part(`Sentinel ${i + 1}`, one, 'Nothing changes; two sentinels still elect a primary.'),
      ),
    ],
    stop: () => sentinel.stop(),
  };
}

async function bringCluster(options: BringOptions): Promise<Half> {
  const cluster = await startRedisCluster(options);
  const [first] = atLeastOne(cluster.servers);
  const masters = cluster.servers.length / 2;
  const elected =
    'Its third of the products is deducted under row locks until its replica is the master, in about 3 s.';
  const idle =
    'Nothing changes; if its master is killed as well, its products stay under row locks.';
  return {
    url: cluster.url,
    chosen: chosen('Redis', first),
    parts: cluster.servers.map((one, i) =>
      i < masters
        ? part(`Redis ${i + 1}, a master now`, one, elected)
        : part(`Redis ${i + 1}, the replica of Redis ${i + 1 - masters} now`, one, idle),
    ),
    stop: () => cluster.stop(),
  };
}

function only(name: string, server: PrivateServer, expect: string): Half {
  return {
    url: server.url,
    chosen: chosen(name, server),
    parts: [part(name, server, expect)],
    stop: () => server.stop(),
  };
}

function atLeastOne<T>([first, ...others]: readonly T[]): [T, ...T[]] {
  if (first === undefined) throw new Error('A topology has servers.');
  return [first, ...others];
}

function part(name: string, { port, pid }: Started, expect: string): Part {
  return { name, port, pid, expect };
}

function chosen(
  name: string,
  server: { readonly version: string; readonly where: string },
): string {
  return `${name}: ${server.version} ${server.where}.`;
}
