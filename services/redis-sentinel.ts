/**
 * Redis with Sentinel: a primary, two replicas, and three sentinels that make a replica the primary when two of them
 * miss the present one. A primary that comes back becomes a replica.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeTemporaryFolder } from './child-processes.js';
import type { Program } from './machine-programs.js';
import {
  startInFolder,
  startRedisServer,
  withRedisProgram,
  type RedisOptions,
} from './private-redis.js';
import { freePort, type PrivateServer } from './private-server.js';
import {
  QUESTION_TIMEOUT_MS,
  redisCommand,
  replicationOf,
  startTogether,
  stopAll,
  untilState,
} from './redis-clients.js';
import { redisUrl, sentinelSecurity, type RedisSecurity } from './redis-security.js';

const REPLICAS = 2;
const SENTINELS = 3;
const QUORUM = 2;
const MASTER_NAME = 'stockade';
/** Sentinel's default is 30 s. It counts from the last answer to a PING, of which there is one each second. */
const DOWN_AFTER_MS = 2_000;
const FAILOVER_TIMEOUT_MS = 10_000;

export interface SentinelOptions extends RedisOptions {
  readonly downAfterMs?: number | undefined;
}

export interface RedisSentinel {
  /** `redis+sentinel://…/stockade`, with the sentinels' addresses. */
  readonly url: string;
  /** The servers with data, the first primary first. */
  readonly servers: readonly PrivateServer[];
  readonly sentinels: readonly PrivateServer[];
  /** The primary that the sentinels name and that takes writes; waits for an election. */
  primary(): Promise<PrivateServer>;
  /** A planned switch: connections stay. Resolves when another server is the primary. */
  failover(): Promise<void>;
  stop(): Promise<void>;
}

/** @throws ServiceError, or the signal's reason; nothing is left behind then. */
export function startRedisSentinel(options: SentinelOptions = {}): Promise<RedisSentinel> {
  return withRedisProgram(options, async (program) => {
    const servers = await startReplication(program, options);
    try {
      const sentinels = await startSentinels(program, servers, options);
      const made = new Instance(servers, sentinels, options);
      try {
        await made.untilComplete();
        return made;
      } catch (error) {
        await made.stop();
        throw error;
      }
    } catch (error) {
      await stopAll(servers);
      throw error;
    }
  });
}

async function startReplication(program: Program, options: RedisOptions): Promise<PrivateServer[]> {
  // A replica is synchronized at once, and not in five seconds with others that may come.
  const quick = [...(options.args ?? []), '--repl-diskless-sync-delay', '0'];
  const primary = await startRedisServer(program, { ...options, args: quick });
  try {
    const follow = ['--replicaof', '127.0.0.1', String(primary.port)];
    const start = () => startRedisServer(program, { ...options, args: [...quick, ...follow] });
    const replicas = await startTogether(Array.from({ length: REPLICAS }, () => start));
    return [primary, ...replicas];
  } catch (error) {
    await primary.stop();
    throw error;
  }
}

function startSentinels(
  program: Program,
  [primary]: readonly PrivateServer[],
  options: SentinelOptions,
): Promise<PrivateServer[]> {
  const start = async () => {
    const folder = await makeTemporaryFolder('stockade-sentinel-');
    const file = join(folder, 'sentinel.conf');
    // Sentinel writes what it learns into its file, so a restarted one knows the present primary.
    const port = await freePort();
    const lines = sentinelLines(primary?.port ?? 0, options);
    await writeFile(file, `${lines.join('\n')}\n`);
    const plain = { ...options, args: [], port };
    return startInFolder(program, folder, plain, [file, '--sentinel']);
  };
  return startTogether(Array.from({ length: SENTINELS }, () => start));
}

function sentinelLines(port: number, options: SentinelOptions): string[] {
  const { security = {}, downAfterMs = DOWN_AFTER_MS } = options;
  return [
    `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${port} ${QUORUM}`,
    `sentinel down-after-milliseconds ${MASTER_NAME} ${downAfterMs}`,
    `sentinel failover-timeout ${MASTER_NAME} ${FAILOVER_TIMEOUT_MS}`,
    `sentinel parallel-syncs ${MASTER_NAME} ${REPLICAS}`,
    ...sentinelSecurity(security, MASTER_NAME),
  ];
}

class Instance implements RedisSentinel {
  readonly url: string;
  private readonly security: RedisSecurity;
  private readonly signal: AbortSignal;

  constructor(
    readonly servers: readonly PrivateServer[],
    readonly sentinels: readonly PrivateServer[],
    { security = {}, signal = new AbortController().signal }: RedisOptions,
  ) {
    this.security = security;
    this.signal = signal;
    const ports = sentinels.map(({ port }) => port);
    this.url = redisUrl(security, ports, { primaryName: MASTER_NAME });
  }

  async primary(): Promise<PrivateServer> {
    let found: PrivateServer | undefined;
    await untilState('one server the primary of all sentinels', this.signal, async () => {
      const named = await Promise.allSettled(this.sentinels.map((one) => this.namedBy(one)));
      const ports = new Set(named.flatMap((o) => (o.status === 'fulfilled' ? [o.value] : [])));
      found = this.servers.find(({ port }) => ports.has(port));
      if (ports.size !== 1 || !found) return false;
      return (await replicationOf(found, this.security)).role === 'master';
    });
    if (!found) throw new Error('untilState resolves when it is found.');
    return found;
  }

  async failover(): Promise<void> {
    const before = await this.primary();
    // A sentinel refuses as long as it knows no replica that is good enough.
    await untilState('a failover begun', this.signal, async () => {
      const [sentinel] = this.sentinels;
      if (!sentinel) return false;
      await redisCommand(sentinel, this.security, ['SENTINEL', 'FAILOVER', MASTER_NAME]);
      return true;
    });
    await untilState('another primary', this.signal, async () => (await this.primary()) !== before);
  }

  async stop(): Promise<void> {
    // First, so that they begin no failover.
    await stopAll(this.sentinels);
    await stopAll(this.servers);
  }

  /** A failover is possible: each sentinel knows the replicas and the other sentinels. */
  async untilComplete(): Promise<void> {
    await untilState('every sentinel in the know', this.signal, async () => {
      const answers = await Promise.all(
        this.sentinels.map((one) =>
          redisCommand(
            one,
            this.security,
            ['SENTINEL', 'MASTER', MASTER_NAME],
            QUESTION_TIMEOUT_MS,
          ),
        ),
      );
      return answers.every((answer) => {
        const fields = answer as string[];
        const field = (name: string) => Number(fields[fields.indexOf(name) + 1]);
        return field('num-slaves') === REPLICAS && field('num-other-sentinels') === SENTINELS - 1;
      });
    });
    await untilState('every replica in step', this.signal, async () => {
      const states = await Promise.all(
        this.servers.slice(1).map((one) => replicationOf(one, this.security)),
      );
      return states.every(({ linked }) => linked);
    });
  }

  private async namedBy(sentinel: PrivateServer): Promise<number> {
    const command = ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER_NAME] as const;
    const address = await redisCommand(sentinel, this.security, command, QUESTION_TIMEOUT_MS);
    return Number((address as string[])[1]);
  }
}
