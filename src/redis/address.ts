/**
 * Where Redis is: the one parser of `REDIS_URL`, for the configuration and for everything that talks to Redis.
 *
 *     redis://user:password@host:6379/0                      one server
 *     redis://host-1:6379,redis://host-2:6379                several independent ones: each key belongs to one
 *     redis+sentinel://user:password@host-1:26379,host-2:26379/name/0
 *                                                            the primary that Sentinels name
 *     redis+cluster://user:password@host-1:6379,host-2:6379  a Redis Cluster, of which some nodes are named
 *
 * `rediss` in the place of `redis` is TLS. Parameters, as in `?tls-ca=/etc/redis/ca.pem`:
 *
 *     tls-ca, tls-cert, tls-key                   paths: of a private CA, of the client's certificate and its key
 *     tls-server-name                             the name in the server's certificate, where it is not the host's
 *     sentinel-user, sentinel-password            for the Sentinels, which have credentials of their own
 *     sentinel-tls                                on or off; as for the servers where it is not given
 */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { CLUSTER_SHARDS, type ClusterShard } from './cluster-shards.js';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface Credentials {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
}

/** What of TLS is not as usual; the files are read with each connection, so that a new certificate is taken up. */
export interface TlsPaths {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly serverName?: string | undefined;
}

export interface Sentinels extends Credentials {
  readonly endpoints: readonly Endpoint[];
  /** The name of the primary at the Sentinels. */
  readonly name: string;
  readonly tls: TlsPaths | null;
}

/** A shard of a Redis Cluster, and nodes that tell which of them is the master of its slot. */
export interface ShardAddress extends ClusterShard {
  readonly endpoints: readonly Endpoint[];
}

/** One Redis, wherever its primary is at the moment: a server, or a shard of a cluster. */
export interface RedisServerAddress extends Credentials {
  /** Where there are several: which of them, as in `Redis 2 of 3`; else null. Names no address. */
  readonly name: string | null;
  /** Null where Sentinels or the nodes of a cluster know it. */
  readonly endpoint: Endpoint | null;
  readonly sentinels: Sentinels | null;
  readonly shard: ShardAddress | null;
  readonly database: number;
  readonly tls: TlsPaths | null;
}

/** One, several independent ones, or the shards of a cluster. */
export type RedisServers = readonly [RedisServerAddress, ...RedisServerAddress[]];

/** A message about an address; it contains neither the address nor a password. */
export class RedisAddressError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RedisAddressError';
  }
}

export const REDIS_FORMS =
  'redis://user:password@host:6379/0, several of these separated by commas, ' +
  'redis+sentinel://user:password@host:26379,host:26379/name/0, or ' +
  'redis+cluster://user:password@host:6379,host:6379; rediss for TLS';

/**
 * The servers that the address names: several, where each key belongs to one of them.
 *
 * @throws RedisAddressError with one sentence.
 */
export function parseRedisUrl(text: string): RedisServers {
  const urls = text.split(/,\s*(?=[a-z+]+:\/\/)/i);
  const servers = urls.flatMap((url, at) => parseOne(url.trim(), nameOf(at, urls.length)));
  const places = servers.map(placeOf);
  if (new Set(places).size < places.length) throw new RedisAddressError('names one server twice');
  if (new Set(servers.map(({ database }) => database)).size > 1) {
    throw new RedisAddressError('must name the same database at each server');
  }
  const [first, ...others] = servers;
  if (!first) throw new RedisAddressError(`must be ${REDIS_FORMS}`);
  return [first, ...others];
}

interface Parts extends Credentials {
  readonly scheme: string;
  readonly endpoints: readonly Endpoint[];
  readonly path: readonly string[];
  readonly parameters: ReadonlyMap<string, string>;
}

function nameOf(at: number, count: number): string | null {
  return count === 1 ? null : `Redis ${at + 1} of ${count}`;
}

function parseOne(text: string, serverName: string | null): RedisServerAddress[] {
  const parts = split(text);
  const { scheme, endpoints, user, password, parameters } = parts;
  const isTls = scheme.startsWith('rediss');
  const isSentinel = scheme.endsWith('+sentinel');
  const isCluster = scheme.endsWith('+cluster');
  checkParameters(parameters, { isTls, isSentinel });
  const tls = isTls ? tlsOf(parameters) : null;
  const access = { user, password, tls };
  if ((isSentinel || isCluster) && serverName !== null) {
    const what = isSentinel ? 'Sentinels' : 'the nodes of a cluster';
    throw new RedisAddressError(`must name ${what} alone, as one address`);
  }
  if (isCluster) return shardsOf(parts, access);
  if (isSentinel) {
    const [name = '', ...rest] = parts.path;
    if (name === '')
      throw new RedisAddressError('must name the primary, as in redis+sentinel://host:26379/name');
    const sentinels = { endpoints, name, ...sentinelAccess(parameters, tls) };
    const database = databaseOf(rest);
    return [{ ...access, name: null, endpoint: null, sentinels, shard: null, database }];
  }
  const [endpoint, ...more] = endpoints;
  if (!endpoint || more.length > 0) {
    throw new RedisAddressError('must begin each of several addresses with redis:// or rediss://');
  }
  const database = databaseOf(parts.path);
  return [{ ...access, name: serverName, endpoint, sentinels: null, shard: null, database }];
}

function shardsOf(
  { endpoints, path }: Parts,
  access: Pick<RedisServerAddress, 'user' | 'password' | 'tls'>,
): RedisServerAddress[] {
  if (databaseOf(path) !== 0) throw new RedisAddressError('must not name a database of a cluster');
  return CLUSTER_SHARDS.map((shard, at) => ({
    ...access,
    name: `Redis shard ${at + 1} of ${CLUSTER_SHARDS.length} (slot ${shard.slot})`,
    endpoint: null,
    sentinels: null,
    shard: { ...shard, endpoints },
    database: 0,
  }));
}

const SHAPE =
  /^(rediss?(?:\+(?:sentinel|cluster))?):\/\/(?:([^/?#]*)@)?([^/?#@]*)((?:\/[^?#]*)?)(?:\?([^#]*))?$/i;

function split(text: string): Parts {
  const [, scheme = '', access, hosts = '', path = '', query = ''] = SHAPE.exec(text) ?? [];
  if (scheme === '') throw new RedisAddressError(`must be ${REDIS_FORMS}`);
  const port = /\+sentinel$/i.test(scheme) ? 26_379 : 6_379;
  return {
    scheme: scheme.toLowerCase(),
    ...credentialsOf(access),
    endpoints: hosts.split(',').map((host) => endpointOf(host, port)),
    path: path
      .split('/')
      .slice(1)
      .filter((part) => part !== '')
      .map(decode),
    parameters: parametersOf(query),
  };
}

function credentialsOf(access: string | undefined): Credentials {
  if (access === undefined) return {};
  const at = access.indexOf(':');
  const [user, password] = at < 0 ? [access, ''] : [access.slice(0, at), access.slice(at + 1)];
  return { user: decode(user) || undefined, password: decode(password) || undefined };
}

function endpointOf(text: string, usualPort: number): Endpoint {
  const [, v6, name, port] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = v6 ?? name ?? '';
  const number = port === undefined ? usualPort : Number(port);
  if (host === '' || (v6 !== undefined && isIP(v6) !== 6) || number < 1 || number > 65_535) {
    throw new RedisAddressError(`must name hosts as in host:6379 or [::1]:6379`);
  }
  return { host, port: number };
}

function databaseOf([database = '0', ...more]: readonly string[]): number {
  if (more.length > 0 || !/^\d{1,6}$/.test(database)) {
    throw new RedisAddressError('must end with the number of a database, as in /0');
  }
  return Number(database);
}

function parametersOf(query: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const pair of query.split('&').filter((part) => part !== '')) {
    const at = pair.indexOf('=');
    const name = decode(at < 0 ? pair : pair.slice(0, at));
    if (parameters.has(name))
      throw new RedisAddressError(`has the parameter ${nameable(name)} twice`);
    parameters.set(name, at < 0 ? '' : decode(pair.slice(at + 1)));
  }
  return parameters;
}

const TLS_PARAMETERS = ['tls-ca', 'tls-cert', 'tls-key', 'tls-server-name'];
const SENTINEL_PARAMETERS = ['sentinel-user', 'sentinel-password', 'sentinel-tls'];

function checkParameters(
  parameters: ReadonlyMap<string, string>,
  { isTls, isSentinel }: { readonly isTls: boolean; readonly isSentinel: boolean },
): void {
  const hasTls = isTls || parameters.get('sentinel-tls') === 'on';
  for (const [name, value] of parameters) {
    const known = [...TLS_PARAMETERS, ...SENTINEL_PARAMETERS];
    if (!known.includes(name)) {
      throw new RedisAddressError(
        `has the parameter ${nameable(name)}, which is none of ${known.join(', ')}`,
      );
    }
    if (value === '') throw new RedisAddressError(`has no value for ${name}`);
    if (TLS_PARAMETERS.includes(name) && !hasTls) {
      throw new RedisAddressError(`must begin with rediss to use ${name}`);
    }
    if (SENTINEL_PARAMETERS.includes(name) && !isSentinel) {
      throw new RedisAddressError(
        `must begin with redis+sentinel or rediss+sentinel to use ${name}`,
      );
    }
  }
  const sentinelTls = parameters.get('sentinel-tls');
  if (sentinelTls !== undefined && !['on', 'off'].includes(sentinelTls)) {
    throw new RedisAddressError('must have on or off for sentinel-tls');
  }
  if (parameters.has('tls-cert') !== parameters.has('tls-key')) {
    throw new RedisAddressError('must have both or none of tls-cert and tls-key');
  }
}

function tlsOf(parameters: ReadonlyMap<string, string>): TlsPaths {
  return {
    ca: readable('tls-ca', parameters),
    cert: readable('tls-cert', parameters),
    key: readable('tls-key', parameters),
    serverName: parameters.get('tls-server-name'),
  };
}

function sentinelAccess(
  parameters: ReadonlyMap<string, string>,
  tls: TlsPaths | null,
): Pick<Sentinels, 'user' | 'password' | 'tls'> {
  const isTls = parameters.get('sentinel-tls') ?? (tls ? 'on' : 'off');
  return {
    user: parameters.get('sentinel-user'),
    password: parameters.get('sentinel-password'),
    tls: isTls === 'on' ? tlsOf(parameters) : null,
  };
}

/** A path that cannot be read is told at the start, not by each attempt to connect. */
function readable(name: string, parameters: ReadonlyMap<string, string>): string | undefined {
  const path = parameters.get(name);
  if (path === undefined) return undefined;
  try {
    readFileSync(path);
  } catch (error) {
    const { code } = error as { readonly code?: string };
    throw new RedisAddressError(
      `names a file for ${name} that cannot be read (${code ?? 'unknown'})`,
    );
  }
  return path;
}

/** A name that may be printed: a mistaken separator may have made a part of a password one. */
function nameable(name: string): string {
  return /^[a-z][a-zA-Z_-]{0,30}$/.test(name) ? name : 'with an unusual name';
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RedisAddressError(
      'has a % that begins no encoded character; write %25 for a % of a password',
    );
  }
}

/** What stands in the names of a shard's keys and channels, so that they lie in its slot; else nothing. */
export function hashTagOf({ shard }: RedisServerAddress): string {
  return shard ? `{${shard.tag}}:` : '';
}

/**
 * The server that a key belongs to, by rendezvous hash: the same in every process that names the servers alike, and
 * where one is added or taken away, only its own keys move.
 */
export function serverOf(servers: RedisServers, key: string): RedisServerAddress {
  let [best] = servers;
  let highest = -1;
  for (const server of servers.length > 1 ? servers : []) {
    const weight = hashOf(`${placeOf(server)} ${key}`);
    if (weight > highest) [best, highest] = [server, weight];
  }
  return best;
}

/** The same in every process that names the server. */
function placeOf({ endpoint, shard }: RedisServerAddress): string {
  return shard ? `shard ${shard.tag}` : `${endpoint?.host}:${endpoint?.port}`;
}

/** FNV-1a with the final mix of MurmurHash3, without which similar texts have similar hashes. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
