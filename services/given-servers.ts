/**
 * The servers that the user named by MYSQL_URL and REDIS_URL. They are asked once and never started, stopped or
 * changed. If one does not answer, the start fails: another server is not what the user asked for. The messages name
 * the host and the user, never the password.
 */
import { askMysql, askRedisAt } from './answering.js';
import { parseMysqlUrl, showHost } from '../src/database/mysql-address.js';
import { parseRedisUrl, type RedisServerAddress, type RedisServers } from '../src/redis/address.js';
import { ServiceError, firstLine } from './service-errors.js';

export interface GivenServer {
  readonly url: string;
  readonly version: string;
  readonly host: string;
}

/** @throws ServiceError */
export async function reachGivenMysql(url: string): Promise<GivenServer> {
  const address = mysqlAddressOf(url);
  try {
    const { version } = await askMysql(url);
    return { url, version, host: address.host };
  } catch (error) {
    throw explain('MySQL', 'MYSQL_URL', address, error);
  }
}

/** Of several servers each must answer, because each has keys of its own. @throws ServiceError */
export async function reachGivenRedis(url: string): Promise<GivenServer> {
  const servers = redisServersOf(url);
  const answers = await Promise.all(
    servers.map(async (server) => {
      const address = redisAddressOf(server);
      try {
        return { host: address.host, ...(await askRedisAt(server)) };
      } catch (error) {
        throw explain('Redis', 'REDIS_URL', address, error);
      }
    }),
  );
  const join = (words: readonly string[]) => [...new Set(words)].join(',');
  const version = join(answers.map((answer) => answer.version));
  return { url, version, host: join(answers.map(({ host }) => host)) };
}

interface Address {
  readonly host: string;
  readonly user: string;
  readonly database: string;
  readonly secrets: readonly string[];
}

function mysqlAddressOf(text: string): Address {
  try {
    const { hosts, user, password, database } = parseMysqlUrl(text);
    const secrets = password === '' ? [] : [password, encodeURIComponent(password)];
    return { host: hosts.map(showHost).join(','), user, database, secrets };
  } catch (error) {
    throw new ServiceError((error as Error).message, { cause: error });
  }
}

function redisServersOf(text: string): RedisServers {
  try {
    return parseRedisUrl(text);
  } catch (error) {
    throw new ServiceError(`REDIS_URL ${(error as Error).message}.`, { cause: error });
  }
}

/** Where Sentinels or nodes of a Cluster are asked for it, these. */
function redisAddressOf(server: RedisServerAddress): Address {
  const { endpoint, sentinels, shard, user = '', password, database } = server;
  const asked = endpoint ? [endpoint] : (sentinels ?? shard)?.endpoints;
  const secrets = [password, sentinels?.password].flatMap((secret) => secret ?? []);
  return {
    host: (asked ?? []).map(showHost).join(','),
    ...{ user, database: String(database) },
    secrets: secrets.flatMap((secret) => [secret, encodeURIComponent(secret)]),
  };
}

function explain(server: string, variable: string, address: Address, error: unknown): ServiceError {
  const { host, user, database } = address;
  const cause = error as { readonly code?: string; readonly message?: string };
  const message = cause.message ?? '';
  if (cause.code === 'ER_ACCESS_DENIED_ERROR' || /^(WRONGPASS|NOAUTH|ERR AUTH)/.test(message)) {
    const who = user === '' ? 'without a user' : `for the user ${user}`;
    return new ServiceError(
      `${server} at ${host} (${variable}) refuses the password or the lack of one, ${who}.`,
    );
  }
  if (cause.code === 'ER_BAD_DB_ERROR') {
    return new ServiceError(`${server} at ${host} (${variable}) has no database ${database}.`);
  }
  if (cause.code === 'ER_DBACCESS_DENIED_ERROR') {
    return new ServiceError(
      `${server} at ${host} (${variable}) does not let the user ${user} use the database ${database}.`,
    );
  }
  const why = REASONS[cause.code ?? ''] ?? hide(firstLine(message), address.secrets);
  return new ServiceError(`${server} at ${host} (${variable}) cannot be reached: ${why}.`);
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was cut',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name could not be looked up',
  ETIMEDOUT: 'it did not answer in time',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no way to its network',
  PROTOCOL_CONNECTION_LOST: 'it closed the connection at once',
};

function hide(text: string, secrets: readonly string[]): string {
  return secrets.reduce((hidden, secret) => hidden.replaceAll(secret, '***'), text);
}
