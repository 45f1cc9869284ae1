/**
 * The servers that the user named by MYSQL_URL and REDIS_URL. They are asked once and never started, stopped or
 * changed. If one does not answer, the start fails: another server is not what the user asked for. The messages name
 * the host and the user, never the password.
 */
import { askMysql, askRedis } from './answering.js';
import { parseMysqlUrl, showHost } from '../src/database/mysql-address.js';
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

/** @throws ServiceError */
export async function reachGivenRedis(url: string): Promise<GivenServer> {
  const address = parseUrl('REDIS_URL', url, ['redis:', 'rediss:'], 6379);
  try {
    const { version } = await askRedis(url);
    return { url, version, host: address.host };
  } catch (error) {
    throw explain('Redis', 'REDIS_URL', address, error);
  }
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

function parseUrl(
  variable: string,
  text: string,
  protocols: readonly string[],
  defaultPort: number,
): Address {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || url.hostname === '' || !protocols.includes(url.protocol)) {
    const [protocol = ''] = protocols;
    throw new ServiceError(
      `${variable} is no address of the form ${protocol}//user:password@host:${defaultPort}/name.`,
    );
  }
  const password = decode(url.password);
  return {
    host: `${url.hostname}:${url.port || defaultPort}`,
    user: decode(url.username),
    database: decode(url.pathname.slice(1)),
    secrets: [password, url.password].filter((secret) => secret !== ''),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
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
