/** The lock alone, as in `lock`, on each kind of Redis that Stockade can use. Each trial starts servers of its own. */
import { startPrivateRedis } from '../../services/private-redis.js';
import { startRedisCluster } from '../../services/redis-cluster.js';
import { startRedisSentinel } from '../../services/redis-sentinel.js';
import { startSeveralRedis } from '../../services/redis-several.js';
import type { Measured, Row } from '../report/row.js';
import { percentile } from '../statistics.js';
import { measureLock } from './lock.js';
import type { Scenario } from './scenario.js';

interface Topology {
  readonly url: string;
  stop(): Promise<void>;
}

const SEVERAL = 3;

const TOPOLOGIES: Readonly<Record<string, (signal: AbortSignal) => Promise<Topology>>> = {
  one: (signal) => startPrivateRedis({ signal }),
  several: (signal) => startSeveralRedis(SEVERAL, { signal }),
  sentinel: (signal) => startRedisSentinel({ signal }),
  cluster: (signal) => startRedisCluster({ signal }),
  majority: (signal) => startSeveralRedis(SEVERAL, { signal }),
};

export const topologies: Scenario = {
  name: 'topologies',
  what: 'the lock on one Redis, several, Sentinel, a Cluster and a majority; latencies are those of an acquire',
  merit: 'opsPerSecond',
  contenders: Object.keys(TOPOLOGIES),
  known: Object.keys(TOPOLOGIES),
  isOnlyByName: true,
  formsOf: () => [{ label: 'defaults', poolMax: 0 }],
  run: async ({ contender, form, repeat, seconds }, bed) => {
    const topology = await TOPOLOGIES[contender]?.(bed.signal);
    if (!topology) throw new Error(`There is no topology named ${contender}.`);
    try {
      const lock = contender === 'majority' ? 'majority' : 'lanes';
      const job = { kind: 'lock', lock, tuning: 'defaults', redisUrl: topology.url } as const;
      const title = { scenario: 'topologies', contender, form, repeat, callers: 1 };
      const [alone, shared] = await measureLock(bed, job, title, seconds);
      return [ofAcquire(alone), ofAcquire(shared)];
    } finally {
      await topology.stop();
    }
  },
};

/** With the latencies of acquiring, and without what was counted at the benchmark's own Redis. */
function ofAcquire({ row, measured }: { readonly row: Row; readonly measured: Measured }): Row {
  const tookMs = measured.outcomes.flatMap(({ acquireTookMs = [] }) => [...acquireTookMs]);
  const sorted = Float64Array.from(tookMs).sort();
  const at = (share: number) => Number(percentile(sorted, share).toPrecision(4));
  const latencies = { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
  return {
    ...row,
    ...latencies,
    redisCommandsPerOp: null,
    redisCpuMsPerOp: null,
    redisConnectionsOpened: 0,
  };
}
