/** What ioredis is told of a server's address. */
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import type { RedisOptions } from 'ioredis';
import type { RedisServerAddress, TlsPaths } from './address.js';
import { ASKED_MAX, slotMasterConnector } from './slot-master.js';

export function optionsFor(
  server: RedisServerAddress,
  timeoutMs: number,
): Omit<RedisOptions, 'replyMapping'> {
  const { endpoint, sentinels, shard, user, password, database, tls } = server;
  const access = {
    ...(user !== undefined && { username: user }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: tlsOptions(tls) }),
  };
  return {
    ...access,
    ...(endpoint && { host: endpoint.host, port: endpoint.port }),
    db: database,
    ...(shard && { Connector: slotMasterConnector(shard, access, timeoutMs) }),
    ...(sentinels && {
      sentinels: sentinels.endpoints.map(({ host, port }) => ({ host, port })),
      name: sentinels.name,
      enableTLSForSentinelMode: tls !== null,
      ...(sentinels.user !== undefined && { sentinelUsername: sentinels.user }),
      ...(sentinels.password !== undefined && { sentinelPassword: sentinels.password }),
      ...(sentinels.tls && { sentinelTLS: tlsOptions(sentinels.tls) }),
      sentinelCommandTimeout: timeoutMs,
      // ioredis begins where the last search ended; each of the Sentinels is asked once after that.
      sentinelRetryStrategy: (times: number) => (times > 1 ? null : 0),
    }),
  };
}

/** How long it may take until the server is connected to: each of those asked for it may not answer. */
export function connectingMs({ sentinels, shard }: RedisServerAddress, timeoutMs: number): number {
  return timeoutMs * (1 + (shard ? ASKED_MAX : (sentinels?.endpoints.length ?? 0)));
}

/** Getters, so that each connection reads the files as they are then: certificates expire. */
function tlsOptions(paths: TlsPaths): ConnectionOptions {
  const options: ConnectionOptions = {};
  if (paths.serverName !== undefined) options.servername = paths.serverName;
  for (const name of ['ca', 'cert', 'key'] as const) {
    const path = paths[name];
    if (path === undefined) continue;
    Object.defineProperty(options, name, { enumerable: true, get: () => readFileSync(path) });
  }
  return options;
}
