/**
 * Only a server that answers counts: these two ask one, once, within a bound. They return its version and who it is, so
 * that a private instance is not taken for somebody else's server that got the same port a moment earlier.
 */
import { Redis } from 'ioredis';
import { createConnection, type RowDataPacket } from 'mysql2/promise';

const ANSWER_TIMEOUT_MS = 5_000;

export interface MysqlAnswer {
  readonly version: string;
  readonly socketPath: string;
}

interface MysqlAnswerRow extends RowDataPacket {
  readonly version: string;
  readonly socketPath: string;
}

/** @throws whatever the driver says. */
export async function askMysql(url: string, timeoutMs = ANSWER_TIMEOUT_MS): Promise<MysqlAnswer> {
  const connection = await createConnection({ uri: url, connectTimeout: timeoutMs });
  // A server that dies under us is the caller's finding, not an unhandled event.
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

export interface RedisAnswer {
  readonly version: string;
  readonly pid: number;
}

/** @throws whatever the client or the server says. */
export async function askRedis(url: string, timeoutMs = ANSWER_TIMEOUT_MS): Promise<RedisAnswer> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    enableReadyCheck: false,
  });
  // connect() only says that the connection was closed; the reason comes as an event.
  let reason: Error | undefined;
  redis.on('error', (error: Error) => (reason ??= error));
  try {
    await redis.connect();
    const info = await redis.info('server');
    return {
      version: /^redis_version:(\S+)/m.exec(info)?.[1] ?? 'of unknown version',
      pid: Number(/^process_id:(\d+)/m.exec(info)?.[1] ?? 0),
    };
  } catch (error) {
    throw reason ?? error;
  } finally {
    redis.disconnect();
  }
}
