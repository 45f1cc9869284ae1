/** A Redis of another kind under a plain address is recognised by what it says of itself, and refused by that word. */
import { startPrivateRedis } from '../../../services/private-redis.js';
import type { PrivateServer } from '../../../services/private-server.js';
import { LockServices } from '../../support/lock-services.js';

const services = new LockServices();
const servers: PrivateServer[] = [];

afterEach(async () => {
  await services.stopAll();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

test('a node of a Redis Cluster is refused at the start, by that word', async () => {
  const node = await startPrivateRedis({ args: ['--cluster-enabled', 'yes'] });
  servers.push(node);
  await expect(services.start({ url: node.url })).rejects.toMatchObject({
    code: 'LOCK_UNAVAILABLE',
    message: expect.stringMatching(/Redis Cluster/) as string,
  });
});

test('one cluster among several servers is refused by its place', async () => {
  const plain = await startPrivateRedis();
  const node = await startPrivateRedis({ args: ['--cluster-enabled', 'yes'] });
  servers.push(plain, node);
  await expect(services.start({ url: `${plain.url},${node.url}` })).rejects.toThrow(
    /^The lock cannot use Redis 2 of 2: it is a node of a Redis Cluster/,
  );
});
