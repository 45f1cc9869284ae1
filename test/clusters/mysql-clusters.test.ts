/** What the tests of clusters rely on: a cluster comes up, survives its primary, and takes it back. */
import { runSql, type ClusterMember, type MysqlCluster } from '../../services/mysql-cluster.js';
import { startGalera } from '../../services/mysql-galera.js';
import { startMysqlGroup } from '../../services/mysql-group.js';
import { startMysqlPair } from '../../services/mysql-pair.js';
import { until } from '../support/until.js';

const SINGLE_PRIMARY = 'a group with one primary';
const REPLICATION = 'a source with a replica';
const STARTS: readonly (readonly [string, () => Promise<MysqlCluster>])[] = [
  [SINGLE_PRIMARY, () => startMysqlGroup({ mode: 'single-primary' })],
  ['a group with many primaries', () => startMysqlGroup({ mode: 'multi-primary' })],
  [REPLICATION, () => startMysqlPair()],
  ['a Galera cluster', () => startGalera()],
];

let cluster: MysqlCluster | undefined;

afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
});

test.each(STARTS)('%s goes on without its primary, and takes it back', async (kind, start) => {
  cluster = await start();
  const { members } = cluster;
  const first = await cluster.primary();
  await runSql(first.url, [
    'CREATE TABLE seen (id INT PRIMARY KEY)',
    'INSERT INTO seen VALUES (1)',
  ]);
  await cluster.caughtUp();

  const second = otherThan(first, members);
  if (kind === SINGLE_PRIMARY || kind === REPLICATION) {
    await cluster.switchPrimary(second);
    expect(await cluster.primary()).toBe(second);
    await expect(insert(first, 2)).rejects.toMatchObject({ errno: 1290 });
  }
  const killed = await cluster.primary();
  await killed.kill('SIGKILL');
  if (kind === REPLICATION) await cluster.switchPrimary(otherThan(killed, members));
  await until('writes are taken again', () => writesAt(cluster?.primary(), 3), 60_000);

  await killed.restart();
  await cluster.caughtUp();
  for (const { url } of members) {
    expect(await runSql(url, ['SELECT id FROM seen ORDER BY id'])).toEqual([{ id: 1 }, { id: 3 }]);
  }
});

function otherThan(member: ClusterMember, members: readonly ClusterMember[]): ClusterMember {
  const other = members.find((candidate) => candidate !== member);
  if (!other) throw new Error('A cluster has more than one member.');
  return other;
}

async function insert(member: ClusterMember, id: number): Promise<void> {
  await runSql(member.url, [`INSERT INTO seen VALUES (${id})`]);
}

/** A group may find out only at COMMIT that it has lost a member. */
async function writesAt(primary: Promise<ClusterMember> | undefined, id: number): Promise<boolean> {
  const member = await primary;
  if (!member) return false;
  return insert(member, id).then(
    () => true,
    () => false,
  );
}
