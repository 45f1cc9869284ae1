/**
 * A Redis Cluster: three masters that share the slots, and a replica for each, which the other masters elect when its
 * master dies. The nodes are joined by the commands that `redis-cli --cluster create` sends, as a machine may lack it.
 */
import type { Program } from './machine-programs.js';
import { startRedisServer, withRedisProgram, type RedisOptions } from './private-redis.js';
import { freePort, type PrivateServer } from './private-server.js';
import {
  QUESTION_TIMEOUT_MS,
  redisCommand,
  replicationOf,
  startTogether,
  stopAll,
  untilState,
} from './redis-clients.js';
import { redisUrl, type RedisSecurity } from './redis-security.js';

const MASTERS = 3;
const SLOTS = 16_384;
/** Redis's default is 15 s: a node that is silent for so long counts as dead when most masters agree. */
const NODE_TIMEOUT_MS = 2_000;
/** Of silence between the two masters. */
const MIGRATE_TIMEOUT_MS = 20_000;

export interface RedisClusterNodes {
  /** `redis+cluster://…`, with the addresses of the first masters. */
  readonly url: string;
  /** The first masters, then their replicas in the same order. */
  readonly servers: readonly PrivateServer[];
  /** The present master of a key's slot; waits for an election. */
  masterOf(key: string): Promise<PrivateServer>;
  /** A planned switch: the key's master becomes a replica, and connections stay. */
  failover(key: string): Promise<void>;
  /** The replica of a key's master. */
  replicaOf(key: string): Promise<PrivateServer>;
  /** Gives a key's slot, with its keys, to another master. Not for servers with a password. */
  moveSlot(key: string): Promise<void>;
  stop(): Promise<void>;
}

/** @throws ServiceError, or the signal's reason; nothing is left behind then. */
export function startRedisCluster(options: RedisOptions = {}): Promise<RedisClusterNodes> {
  return withRedisProgram(options, async (program) => {
    const start = () => startNode(program, options);
    const servers = await startTogether(Array.from({ length: MASTERS * 2 }, () => start));
    const made = new Instance(servers, options);
    try {
      await made.join();
      return made;
    } catch (error) {
      await made.stop();
      throw error;
    }
  });
}

async function startNode(program: Program, options: RedisOptions): Promise<PrivateServer> {
  const args = [
    ...['--cluster-enabled', 'yes', '--cluster-node-timeout', String(NODE_TIMEOUT_MS)],
    // By default it is the port and 10,000, which may be taken, or no port.
    ...['--cluster-port', String(await freePort())],
    // A replica is elected however long it has not heard of its master.
    ...['--cluster-replica-validity-factor', '0', '--repl-diskless-sync-delay', '0'],
    // By default all slots are refused as long as one has no master.
    ...['--cluster-require-full-coverage', 'no'],
    ...(options.args ?? []),
  ];
  return startRedisServer(program, { ...options, args });
}

/** A line of CLUSTER NODES. */
interface Node {
  readonly id: string;
  readonly port: number;
  readonly busPort: number;
  readonly flags: readonly string[];
  readonly masterId: string;
}

class Instance implements RedisClusterNodes {
  readonly url: string;
  private readonly security: RedisSecurity;
  private readonly signal: AbortSignal;

  constructor(
    readonly servers: readonly PrivateServer[],
    { security = {}, signal = new AbortController().signal }: RedisOptions,
  ) {
    this.security = security;
    this.signal = signal;
    const ports = servers.slice(0, MASTERS).map(({ port }) => port);
    this.url = redisUrl(security, ports, { kind: 'cluster' });
  }

  async join(): Promise<void> {
    const [first, ...others] = this.servers;
    const [masters, replicas] = [this.servers.slice(0, MASTERS), this.servers.slice(MASTERS)];
    for (const [i, server] of this.servers.entries()) {
      await this.ask(server, 'CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
    }
    for (const [i, master] of masters.entries()) {
      const [from, to] = [i, i + 1].map((n) => Math.floor((n * SLOTS) / MASTERS)) as [
        number,
        number,
      ];
      await this.ask(master, 'CLUSTER', 'ADDSLOTSRANGE', from, to - 1);
    }
    for (const other of others) {
      const { busPort } = await this.self(other);
      if (first) await this.ask(first, 'CLUSTER', 'MEET', '127.0.0.1', other.port, busPort);
    }
    await this.untilAll('every node acquainted with all', async (server) => {
      const nodes = await this.nodes(server);
      return nodes.filter(({ flags }) => !flags.includes('handshake')).length === MASTERS * 2;
    });
    for (const [i, replica] of replicas.entries()) {
      const master = masters[i];
      if (master) await this.ask(replica, 'CLUSTER', 'REPLICATE', (await this.self(master)).id);
    }
    await this.untilAll('the cluster complete', async (server) => {
      const info = String(await this.ask(server, 'CLUSTER', 'INFO'));
      const nodes = await this.nodes(server);
      const hasReplicas = nodes.filter(({ flags }) => flags.includes('slave')).length === MASTERS;
      const { role, linked } = await replicationOf(server, this.security);
      return info.includes('cluster_state:ok') && hasReplicas && (role === 'master' || linked);
    });
  }

  async masterOf(key: string): Promise<PrivateServer> {
    let found: PrivateServer | undefined;
    await untilState(`a master for ${key}`, this.signal, async () => {
      for (const server of this.servers) {
        // Only the slot's own master answers without a redirection.
        const value = redisCommand(server, this.security, ['GET', key], QUESTION_TIMEOUT_MS);
        const isMaster = await value.then(
          () => replicationOf(server, this.security).then(({ role }) => role === 'master'),
          () => false,
        );
        if (isMaster) found = server;
      }
      return found !== undefined;
    });
    if (!found) throw new Error('untilState resolves when it is found.');
    return found;
  }

  async failover(key: string): Promise<void> {
    const master = await this.masterOf(key);
    await this.ask(await this.replicaOf(key), 'CLUSTER', 'FAILOVER');
    await untilState('another master', this.signal, async () => {
      return (await this.masterOf(key)) !== master;
    });
  }

  async replicaOf(key: string): Promise<PrivateServer> {
    const master = await this.masterOf(key);
    const { id } = await this.self(master);
    const nodes = await this.nodes(master);
    const ports = nodes.filter(({ masterId }) => masterId === id).map(({ port }) => port);
    const replica = this.servers.find(({ port }) => ports.includes(port));
    if (!replica) throw new Error(`The master of ${key} has no replica.`);
    return replica;
  }

  async moveSlot(key: string): Promise<void> {
    const from = await this.masterOf(key);
    const nodes = await this.nodes(from);
    const source = await this.self(from);
    const masters = nodes.filter(({ flags }) => flags.includes('master'));
    const target = masters.find(({ id, flags }) => id !== source.id && !flags.includes('fail'));
    const to = this.servers.find(({ port }) => port === target?.port);
    if (!target || !to) throw new Error('A cluster has more than one master.');
    const slot = Number(await this.ask(from, 'CLUSTER', 'KEYSLOT', key));
    await this.ask(to, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', source.id);
    await this.ask(from, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', target.id);
    for (;;) {
      const keys = (await this.ask(from, 'CLUSTER', 'GETKEYSINSLOT', slot, 100)) as string[];
      if (keys.length === 0) break;
      await this.ask(
        from,
        'MIGRATE',
        '127.0.0.1',
        to.port,
        '',
        0,
        MIGRATE_TIMEOUT_MS,
        'KEYS',
        ...keys,
      );
    }
    for (const one of [to, from])
      await this.ask(one, 'CLUSTER', 'SETSLOT', slot, 'NODE', target.id);
  }

  stop(): Promise<void> {
    return stopAll(this.servers);
  }

  private ask(server: PrivateServer, ...command: [string, ...(string | number)[]]) {
    return redisCommand(server, this.security, command);
  }

  private untilAll(what: string, isSo: (server: PrivateServer) => Promise<boolean>): Promise<void> {
    return untilState(what, this.signal, async () => {
      const answers = await Promise.all(this.servers.map(isSo));
      return answers.every(Boolean);
    });
  }

  private async self(server: PrivateServer): Promise<Node> {
    const own = (await this.nodes(server)).find(({ flags }) => flags.includes('myself'));
    if (!own) throw new Error('A node knows itself.');
    return own;
  }

  private async nodes(server: PrivateServer): Promise<Node[]> {
    const text = String(await this.ask(server, 'CLUSTER', 'NODES'));
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [id = '', address = '', flags = '', masterId = ''] = line.split(' ');
        const [, port, busPort] = /:(\d+)@(\d+)/.exec(address) ?? [];
        return {
          id,
          masterId,
          port: Number(port),
          busPort: Number(busPort),
          flags: flags.split(','),
        };
      });
  }
}
