/**
 * Asks a server once, within a bound, because only a server that answers counts. Returns its version and its identity,
 * so that another server that took the same port a moment earlier is not mistaken for a private instance.
 */
import { Redis } from 'ioredis';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { parseMysqlUrl, type MysqlAddress, type MysqlHost } from '../src/database/mysql-address.js';
import { connectAs, driverTls } from '../src/database/tls-options.js';
import type { RedisServerAddress } from '../src/redis/address.js';
import { optionsFor } from '../src/redis/server-options.js';

const ANSWER_TIMEOUT_MS = 5_000;

export interface MysqlAnswer {
  readonly version: string;
  readonly socketPath: string;
}

interface MysqlAnswerRow extends RowDataPacket {
  readonly version: string;
  readonly socketPath: string;
}

/** Of several hosts, the first that answers. @throws the driver's error, or MysqlAddressError. */
export async function askMysql(url: string, timeoutMs = ANSWER_TIMEOUT_MS): Promise<MysqlAnswer> {
  const address = parseMysqlUrl(url);
  const [first, ...others] = address.hosts;
  try {
    return await askMysqlHost(address, first, timeoutMs);
  } catch (error) {
    for (const host of others) {
      const answer = await askMysqlHost(address, host, timeoutMs).catch(() => null);
      if (answer) return answer;
    }
    throw error;
  }
}

async function askMysqlHost(
  { user, password, database, tls }: MysqlAddress,
  host: MysqlHost,
  timeoutMs: number,
): Promise<MysqlAnswer> {
  const connection = await connectAs(tls, driverTls(tls), (ssl) =>
    createConnection({
      ...{ ...host, user, password, database, connectTimeout: timeoutMs },
      ...(ssl && { ssl }),
    }),
  );
  // A server that dies meanwhile fails the query; the event needs no handling.
  connection.on('error', () => undefined);
  try {
    const [rows] = await connection.query<MysqlAnswerRow[]>({
      sql: 'SELECT VERSION() AS version, @@socket AS socketPath',
      timeout: timeoutMs,
    });
    const [row] = rows;
    if (!row) throw new Error('The server answered nothing.');
    return { version: row.version, socketPath: row.socketPath };
  } finally {
    connection.destroy();
  }
}

/** For a server that asks for a password, or speaks TLS. */
export interface RedisSignIn {
  readonly password?: string;
  readonly tls?: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer };
}

export interface RedisAnswer {
  readonly version: string;
  readonly pid: number;
}

/** @throws the client's or the server's error. */
export async function askRedis(
  url: string,
  timeoutMs = ANSWER_TIMEOUT_MS,
  signIn: RedisSignIn = {},
): Promise<RedisAnswer> {
  return answerOf(new Redis(url, { ...signIn, ...askedOnce(timeoutMs) }));
}

/** The primary, where Sentinels or nodes of a Cluster know it. @throws the client's or the server's error. */
export async function askRedisAt(server: RedisServerAddress): Promise<RedisAnswer> {
  const options = optionsFor(server, ANSWER_TIMEOUT_MS);
  return answerOf(new Redis({ ...options, ...askedOnce(ANSWER_TIMEOUT_MS) }));
}

function askedOnce(timeoutMs: number) {
  return {
    lazyConnect: true,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    enableReadyCheck: false,
  };
}

async function answerOf(redis: Redis): Promise<RedisAnswer> {
  // connect() rejects with 'closed' only; the reason arrives as an event.
  let reason: Error | undefined;
  redis.on('error', (error: Error) => (reason ??= error));
  try {
    await redis.connect();
    const info = await redis.info('server');
    return {
      version:
        // Valkey calls itself Redis as well, of the version that it speaks like.
        (/^valkey_version:(\S+)/m.exec(info) ?? /^redis_version:(\S+)/m.exec(info))?.[1] ??
        'of unknown version',
      pid: Number(/^process_id:(\d+)/m.exec(info)?.[1] ?? 0),
    };
  } catch (error) {
    throw reason ?? error;
  } finally {
    redis.disconnect();
  }
}
