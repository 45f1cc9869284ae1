/**
 * Plain replication of MySQL: one source that takes writes, and one replica that is read-only. A switch is what an
 * operator does by hand: the source becomes read-only, the replica catches up and takes over, and connections stay. A
 * source that was killed comes back as a replica.
 */
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
import type { PrivateServer } from './private-server.js';
import { readSearch, takeFirstWay } from './way-choice.js';

const QUESTION_TIMEOUT_MS = 2_000;

/** From this machine's MySQL or the distribution's packages. @throws ServiceError, or the signal's reason. */
export async function startMysqlPair(options: ClusterOptions = {}): Promise<MysqlCluster> {
  const search = readSearch(options);
  const ways = mysqlWays(search, (program) => startPair(program, options, search));
  return takeFirstWay(ways, search, { what: 'MySQL with a replica' });
}

async function startPair(program: Program, options: ClusterOptions, search: Search) {
  const servers = await bootMembers({
    program,
    flavour: 'mysql',
    count: 2,
    search,
    args: (index, port) => [...SMALL_SERVER, ...gtidArgs(index, port), ...(options.args ?? [])],
  });
  const pair = new MysqlPair(servers);
  try {
    await pair.members[1]?.rejoin();
    return pair;
  } catch (error) {
    await pair.stop();
    throw error;
  }
}

class MysqlPair implements MysqlCluster {
  readonly members: readonly PairMember[];

  constructor(private readonly servers: readonly PrivateServer[]) {
    this.members = servers.map((server) => new PairMember(server, () => this.partnerOf(server)));
  }

  get version(): string {
    return this.servers[0]?.version ?? '';
  }

  get where(): string {
    return this.servers[0]?.where ?? '';
  }

  primary(): Promise<ClusterMember> {
    return findMember('primary', this.members, takesWrites);
  }

  async switchPrimary(to: ClusterMember): Promise<void> {
    const from = this.members.find((member) => member !== to);
    if (!from || (await takesWrites(to))) return;
    const isThere = await takesWrites(from).catch(() => null);
    if (isThere === true) {
      await runSql(from.url, ['SET GLOBAL super_read_only = ON']);
      await waitForEqualGtids([from, to]);
    }
    await runSql(to.url, ['STOP REPLICA', 'RESET REPLICA ALL', 'SET GLOBAL read_only = OFF']);
    if (isThere !== null) await from.rejoin();
  }

  async caughtUp(members: readonly ClusterMember[] = this.members): Promise<void> {
    await waitForEqualGtids(members);
  }

  async stop(): Promise<void> {
    await stopAll(this.servers);
  }

  private partnerOf(server: PrivateServer): PrivateServer {
    const partner = this.servers.find((other) => other !== server);
    return partner ?? server;
  }
}

class PairMember extends Member {
  constructor(
    server: PrivateServer,
    private readonly partner: () => PrivateServer,
  ) {
    super(server);
  }

  /** Becomes the replica of the other one. */
  async rejoin(): Promise<void> {
    await runSql(this.url, [
      'SET GLOBAL super_read_only = ON',
      'STOP REPLICA',
      `CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = ${this.partner().port},
         SOURCE_USER = 'root', SOURCE_PASSWORD = '', SOURCE_AUTO_POSITION = 1, SOURCE_CONNECT_RETRY = 1`,
      'START REPLICA',
    ]);
  }
}

async function takesWrites(member: ClusterMember): Promise<boolean> {
  const sql = 'SELECT @@read_only AS isReadOnly';
  const [row] = await runSql<{ isReadOnly: number }>(member.url, [sql], QUESTION_TIMEOUT_MS);
  return row?.isReadOnly === 0;
}
