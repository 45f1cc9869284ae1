/** Servers that start for the first time at the members of one cluster, all at once: each of them comes up. */
import { jest } from '@jest/globals';
import { openPool } from '../../src/database/pool.js';
import { assertMigrated, migrate } from '../../src/database/migrator.js';
import { runSql, type MysqlCluster } from '../../services/mysql-cluster.js';
import { startGalera } from '../../services/mysql-galera.js';
import { startMysqlGroup } from '../../services/mysql-group.js';

jest.setTimeout(600_000);

const ROUNDS = 10;

describe.each([
  ['a group with many primaries', () => startMysqlGroup({ mode: 'multi-primary' })],
  ['a group with one primary', () => startMysqlGroup({ mode: 'single-primary' })],
  ['a Galera cluster', () => startGalera()],
])('%s', (_, start: () => Promise<MysqlCluster>) => {
  let cluster: MysqlCluster;

  beforeAll(async () => {
    cluster = await start();
  });

  afterAll(async () => {
    await cluster.stop();
  });

  test('three servers migrate an empty database at three members at once, ten times', async () => {
    const { members } = cluster;
    const primary = await cluster.primary();
    for (let round = 1; round <= ROUNDS; round++) {
      const name = `first_${round}`;
      await runSql(primary.url, [`CREATE DATABASE ${name}`]);
      await cluster.caughtUp();
      const urls = members.map(({ url }) => url.replace(/\/stockade$/, `/${name}`));
      const applied = await Promise.all(urls.map((url) => migrate(url)));
      // One of them has done all of it.
      expect(applied.filter((names) => names.length > 0)).toHaveLength(1);
      await Promise.all(urls.map((url) => assertMigrated(url)));
    }
    expect(await cluster.primary()).toBe(primary);
    for (const { url } of members) expect(await membersOnline(url)).toBe(members.length);
  });

  test('a claim whose owner has died is taken over', async () => {
    const [member] = cluster.members;
    const primary = await cluster.primary();
    if (!member) throw new Error('There are three members.');
    await runSql(primary.url, ['CREATE DATABASE abandoned']);
    await cluster.caughtUp();
    const url = member.url.replace(/\/stockade$/, '/abandoned');
    const writable = openPool({ url: primary.url.replace(/\/stockade$/, '/abandoned') }, 1);
    await writable.query(
      'CREATE TABLE schema_migration_claim (id INT PRIMARY KEY, owner VARCHAR(36), renewals BIGINT)',
    );
    await writable.query(`INSERT INTO schema_migration_claim VALUES (1, 'dead', 7)`);
    await writable.close();
    await Promise.all([migrate(primary.url.replace(/\/stockade$/, '/abandoned')), migrate(url)]);
    await assertMigrated(url);
  });
});

async function membersOnline(url: string): Promise<number> {
  const [galera] = await runSql<{ Value: string }>(url, [
    `SHOW GLOBAL STATUS LIKE 'wsrep_cluster_size'`,
  ]);
  if (galera) return Number(galera.Value);
  const [row] = await runSql<{ online: number }>(url, [
    `SELECT COUNT(*) AS online FROM performance_schema.replication_group_members WHERE member_state = 'ONLINE'`,
  ]);
  return row?.online ?? 0;
}
