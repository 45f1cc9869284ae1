/**
 * MySQL Group Replication, three members on one machine. The first member founds the group, the others join it one
 * after another. A member that is killed is expelled as soon as the others suspect it, which is after five seconds:
 * `group_replication_member_expel_timeout` is 0 here, and 5 by default. All other settings of failure detection are the
 * defaults.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Program, Search } from './machine-programs.js';
import {
  Member,
  SMALL_SERVER,
  bootMembers,
  findMember,
  gtidArgs,
  runSql,
  stopAll,
  waitForEqualGtids,
  type ClusterMember,
  type ClusterOptions,
  type MysqlCluster,
} from './mysql-cluster.js';
import { mysqlWays } from './mysql-ways.js';
import { freePort, type PrivateServer } from './private-server.js';
import { WayUnavailable } from './service-errors.js';
import { readSearch, takeFirstWay } from './way-choice.js';

const MEMBERS = 3;
const QUESTION_TIMEOUT_MS = 2_000;
const JOIN_TIMEOUT_MS = 120_000;
const REFUSED_FOR_MS = 60_000;
const REJOIN_PAUSE_MS = 1_000;
/** ER_GROUP_REPLICATION_CONFIGURATION: START GROUP_REPLICATION failed, for a reason that the error log tells. */
const NOT_STARTED = 3092;

export type GroupMode = 'single-primary' | 'multi-primary';

export interface GroupOptions extends ClusterOptions {
  readonly mode: GroupMode;
}

/** From this machine's MySQL or the distribution's packages. @throws ServiceError, or the signal's reason. */
export async function startMysqlGroup(options: GroupOptions): Promise<MysqlCluster> {
  const search = readSearch(options);
  const ways = mysqlWays(search, (program) => startGroup(program, options, search));
  return takeFirstWay(ways, search, {
    what: 'MySQL group',
    install: 'Install MySQL 8.0.16 or later with its plug-in group_replication.so.',
  });
}

async function startGroup(program: Program, options: GroupOptions, search: Search) {
  const group = randomUUID();
  const addresses: string[] = [];
  for (let i = 0; i < MEMBERS; i++) addresses.push(`127.0.0.1:${await freePort()}`);
  const servers = await bootMembers({
    program,
    flavour: 'mysql',
    count: MEMBERS,
    search,
    args: (index, port) => [
      ...SMALL_SERVER,
      ...gtidArgs(index, port),
      ...pluginArgs(group, addresses, index, options.mode),
      ...(options.args ?? []),
    ],
  });
  const cluster = new MysqlGroup(servers);
  try {
    for (const member of cluster.members) await member.rejoin();
    return cluster;
  } catch (error) {
    await cluster.stop();
    search.signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    throw new WayUnavailable(`MySQL ${program.where} forms no group (${reason})`, { cause: error });
  }
}

function pluginArgs(group: string, addresses: readonly string[], index: number, mode: GroupMode) {
  const settings: Record<string, string> = {
    'group-name': group,
    'local-address': addresses[index] ?? '',
    'group-seeds': addresses.join(','),
    'ip-allowlist': '127.0.0.1',
    'start-on-boot': 'OFF',
    'member-expel-timeout': '0',
    'message-cache-size': '134217728',
    'single-primary-mode': mode === 'single-primary' ? 'ON' : 'OFF',
    'enforce-update-everywhere-checks': mode === 'single-primary' ? 'OFF' : 'ON',
  };
  return [
    '--plugin-load-add=group_replication.so',
    ...Object.entries(settings).map(([name, value]) => `--group-replication-${name}=${value}`),
  ];
}

const OWN_STATE = `SELECT member_state AS state, @@super_read_only AS isReadOnly
  FROM performance_schema.replication_group_members WHERE member_id = @@server_uuid`;

const RECOVERY_ACCOUNT = `CHANGE REPLICATION SOURCE TO SOURCE_USER = 'root', SOURCE_PASSWORD = ''
  FOR CHANNEL 'group_replication_recovery'`;

class MysqlGroup implements MysqlCluster {
  readonly members: readonly GroupMember[];

  constructor(private readonly servers: readonly PrivateServer[]) {
    this.members = servers.map(
      (server) => new GroupMember(server, (member) => this.isThereWithout(member)),
    );
  }

  get version(): string {
    return this.servers[0]?.version ?? '';
  }

  get where(): string {
    return this.servers[0]?.where ?? '';
  }

  primary(): Promise<ClusterMember> {
    return findMember('primary', this.members, async (member) => {
      const state = await member.state();
      return state?.state === 'ONLINE' && state.isReadOnly === 0;
    });
  }

  async switchPrimary(to: ClusterMember): Promise<void> {
    const [row] = await runSql<{ id: string }>(to.url, ['SELECT @@server_uuid AS id']);
    const sql = `SELECT group_replication_set_as_primary('${row?.id ?? ''}')`;
    await runSql(to.url, [sql], JOIN_TIMEOUT_MS);
  }

  async caughtUp(members: readonly ClusterMember[] = this.members): Promise<void> {
    await waitForEqualGtids(members);
  }

  async stop(): Promise<void> {
    await stopAll(this.servers);
  }

  private async isThereWithout(member: GroupMember): Promise<boolean> {
    const others = this.members.filter((other) => other !== member);
    const states = await Promise.all(others.map((other) => other.state().catch(() => undefined)));
    return states.some((state) => state?.state === 'ONLINE');
  }
}

class GroupMember extends Member {
  constructor(
    server: PrivateServer,
    private readonly groupIsThere: (member: GroupMember) => Promise<boolean>,
  ) {
    super(server);
  }

  /** Founds the group anew where no other member is in one. */
  async rejoin(): Promise<void> {
    const founds = !(await this.groupIsThere(this));
    const statements = [
      'STOP GROUP_REPLICATION',
      // A member that was expelled has shut its clients out.
      'SET GLOBAL offline_mode = OFF',
      RECOVERY_ACCOUNT,
      `SET GLOBAL group_replication_bootstrap_group = ${founds ? 'ON' : 'OFF'}`,
      'START GROUP_REPLICATION',
      'SET GLOBAL group_replication_bootstrap_group = OFF',
    ];
    // A group refuses a member that it still counts as one, until it has expelled the process that was killed.
    const giveUpMs = performance.now() + REFUSED_FOR_MS;
    for (;;) {
      try {
        await runSql(this.url, statements, JOIN_TIMEOUT_MS);
        break;
      } catch (error) {
        if (performance.now() > giveUpMs || !isRefusal(error)) throw error;
        await wait(REJOIN_PAUSE_MS);
      }
    }
    await findMember('in the group', [this], async () => (await this.state())?.state === 'ONLINE');
  }

  async state(): Promise<{ state: string; isReadOnly: number } | undefined> {
    const [row] = await runSql<{ state: string; isReadOnly: number }>(
      this.url,
      [OWN_STATE],
      QUESTION_TIMEOUT_MS,
    );
    return row;
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'errno' in error && error.errno === NOT_STARTED;
}
