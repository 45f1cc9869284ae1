/** What happens to a MySQL group and to a Redis with Sentinels, and how it is put right afterwards. */
import type { ClusterMember, MysqlCluster } from '../../services/mysql-cluster.js';
import type { PrivateServer } from '../../services/private-server.js';
import type { RedisSentinel } from '../../services/redis-sentinel.js';

export interface Installation {
  readonly group: MysqlCluster;
  readonly sentinel: RedisSentinel;
}

export interface Incident {
  readonly name: string;
  readonly what: string;
  /** The floor of the time without a deduction, in milliseconds; null where the group's own time decides. */
  readonly outageMaxMs: number | null;
  /** Whether a floor forbids every error. */
  readonly mustNotFail: boolean;
  /** @returns how to put it right. */
  happen(installation: Installation): Promise<() => Promise<void>>;
}

const NOTHING = () => Promise.resolve();

export const INCIDENTS: readonly Incident[] = [
  {
    name: 'mysql-switch',
    what: 'planned switch of the primary of MySQL; connections stay',
    outageMaxMs: 3_000,
    mustNotFail: false,
    happen: async ({ group }) => {
      await group.switchPrimary(await otherThanPrimary(group));
      return NOTHING;
    },
  },
  {
    name: 'mysql-killed',
    what: 'the primary of MySQL is killed',
    outageMaxMs: null,
    mustNotFail: false,
    happen: async ({ group }) => {
      const primary = await group.primary();
      await primary.kill('SIGKILL');
      return () => primary.restart();
    },
  },
  {
    name: 'mysql-hangs',
    what: 'the primary of MySQL hangs',
    outageMaxMs: null,
    mustNotFail: false,
    happen: async ({ group }) => {
      const primary = await group.primary();
      await primary.kill('SIGSTOP');
      return async () => {
        await primary.kill('SIGKILL');
        await primary.restart();
      };
    },
  },
  {
    name: 'redis-switch',
    what: 'planned switch of the primary of Redis; connections stay',
    outageMaxMs: 1_000,
    mustNotFail: true,
    happen: async ({ sentinel }) => {
      await sentinel.failover();
      return NOTHING;
    },
  },
  {
    name: 'redis-killed',
    what: 'the primary of Redis is killed',
    outageMaxMs: 1_000,
    mustNotFail: true,
    happen: async ({ sentinel }) => {
      const primary: PrivateServer = await sentinel.primary();
      await primary.kill('SIGKILL');
      return () => primary.restart();
    },
  },
];

async function otherThanPrimary(group: MysqlCluster): Promise<ClusterMember> {
  const primary = await group.primary();
  const other = group.members.find(({ port }) => port !== primary.port);
  if (!other) throw new Error('The group has one member.');
  return other;
}
