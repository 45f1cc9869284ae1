/** Whether this process can commit, and that a server which gives no answer is left with all that waits for it. */
import { QueryTypes } from 'sequelize';
import { Database } from '../../../src/database/connections.js';
import { CONTROL_CONNECTIONS } from '../../../src/database/connection-counts.js';
import { WriteProbe } from '../../../src/database/write-probe.js';
import { systemClock } from '../../../src/time/clock.js';
import { Deadline } from '../../../src/time/deadline.js';
import { createFreshDatabase, type FreshDatabase } from '../../support/fresh-database.js';
import { startTcpProxy } from '../../support/tcp-proxy.js';
import { until } from '../../support/until.js';

let fresh: FreshDatabase;

beforeAll(async () => {
  fresh = await createFreshDatabase();
});

afterAll(async () => {
  await fresh.drop();
});

function within(ms: number): Deadline {
  return Deadline.in(ms, systemClock);
}

test('the probe commits one row, and the same one again', async () => {
  const database = new Database({ url: fresh.url, poolMax: 5, commitsMax: 1 });
  const probe = new WriteProbe(database, () => 0.5);
  await probe.commit(within(5_000));
  await probe.commit(within(5_000));
  const rows = await fresh.sequelize.query('SELECT slot FROM commit_probes', {
    type: QueryTypes.SELECT,
  });
  expect(rows).toEqual([{ slot: 512 }]);
  await database.close();
});

test('a server that hangs is left, although statements without an answer use all connections', async () => {
  const hung = await startTcpProxy(fresh.url);
  const well = await startTcpProxy(fresh.url);
  const { pathname } = new URL(fresh.url);
  const [first, second] = [hung, well].map((proxy) => new URL(proxy.via(fresh.url)).host);
  const { username, password } = new URL(fresh.url);
  const url = `mysql://${username}:${password}@${first},${second}${pathname}`;
  const database = new Database({ url, poolMax: 5, commitsMax: 1 });
  const probe = new WriteProbe(database, () => 0);
  await probe.commit(within(5_000));
  expect(database.server.name).toBe(first);

  const outcomes = Array.from({ length: CONTROL_CONNECTIONS }, () =>
    database.control.query('SELECT SLEEP(120)').then(
      () => 'answered',
      () => 'cut',
    ),
  );
  await until('the statements', async () => {
    const running = await fresh.sequelize.query(
      "SELECT id FROM information_schema.processlist WHERE info = 'SELECT SLEEP(120)'",
      { type: QueryTypes.SELECT },
    );
    return running.length === CONTROL_CONNECTIONS;
  });
  hung.pause();
  await until('a commit at the other host', () => {
    return probe.commit(within(300)).then(
      () => true,
      () => false,
    );
  });
  expect(await Promise.all(outcomes)).toEqual(outcomes.map(() => 'cut'));
  expect(database.server.name).toBe(second);
  await database.close();
  await hung.stop();
  await well.stop();
});
