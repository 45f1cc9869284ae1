/**
 * How a private Redis authenticates its clients and encrypts its connections: one password for all clients, ACL users,
 * TLS. All servers of one topology use the same, also among themselves.
 */
import { readFileSync } from 'node:fs';
import type { RedisSignIn } from './answering.js';

export interface RedisSecurity {
  /** Of the default user. */
  readonly password?: string | undefined;
  /** Rules by name, as in `on >secret ~* &* +@all`. */
  readonly users?: Readonly<Record<string, string>> | undefined;
  /** Paths of PEM files. Only TLS is spoken then. */
  readonly tls?: RedisTls | undefined;
}

export interface RedisTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** Clients must show a certificate of the CA. */
  readonly requiresClient?: boolean | undefined;
}

/** Options of a server that listens on the port. */
export function securityArgs({ password, users = {}, tls }: RedisSecurity, port: number): string[] {
  return [
    ...(tls
      ? ['--port', '0', '--tls-port', String(port), ...tlsArgs(tls)]
      : ['--port', String(port)]),
    // A replica signs in at its primary.
    ...(password === undefined ? [] : ['--requirepass', password, '--masterauth', password]),
    ...Object.entries(users).flatMap(([name, rules]) => ['--user', name, ...rules.split(' ')]),
  ];
}

function tlsArgs({ ca, cert, key, requiresClient = false }: RedisTls): string[] {
  return [
    ...['--tls-ca-cert-file', ca, '--tls-cert-file', cert, '--tls-key-file', key],
    ...['--tls-auth-clients', requiresClient ? 'yes' : 'optional'],
    ...['--tls-replication', 'yes', '--tls-cluster', 'yes'],
  ];
}

/** Lines of a Sentinel's configuration: it signs in at the servers of that name, and asks for the same password. */
export function sentinelSecurity({ password }: RedisSecurity, name: string): string[] {
  if (password === undefined) return [];
  return [`requirepass ${password}`, `sentinel auth-pass ${name} ${password}`];
}

/** For a client that may do everything. */
export function administrator({ password, tls }: RedisSecurity): RedisSignIn {
  return {
    ...(password === undefined ? {} : { password }),
    ...(tls
      ? {
          tls: {
            ca: readFileSync(tls.ca),
            cert: readFileSync(tls.cert),
            key: readFileSync(tls.key),
          },
        }
      : {}),
  };
}

/** As REDIS_URL has it: one server, the nodes of a Cluster, or the sentinels and the name of their primary. */
export function redisUrl(
  { password, tls }: RedisSecurity,
  ports: readonly number[],
  form: { readonly kind: 'server' | 'cluster' } | { readonly primaryName: string } = {
    kind: 'server',
  },
): string {
  const isSentinel = 'primaryName' in form;
  const suffix = isSentinel ? '+sentinel' : form.kind === 'cluster' ? '+cluster' : '';
  const user = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
  const hosts = ports.map((port) => `127.0.0.1:${port}`).join(',');
  const parameters = new URLSearchParams({
    ...(isSentinel && password !== undefined ? { 'sentinel-password': password } : {}),
    ...(tls ? { 'tls-ca': tls.ca } : {}),
    ...(tls?.requiresClient ? { 'tls-cert': tls.cert, 'tls-key': tls.key } : {}),
  });
  const path = isSentinel ? `/${form.primaryName}` : '';
  const query = parameters.size > 0 ? `?${parameters.toString()}` : '';
  return `${tls ? 'rediss' : 'redis'}${suffix}://${user}${hosts}${path}${query}`;
}
