/**
 * The one table of all variables: parsing, the type Config, the errors and the README's table come from it. Where a
 * default or a rule takes several variables, config.ts has it.
 */
import { z } from 'zod';
import {
  autoOrNumber,
  flag,
  httpUrl,
  jwksUrl,
  jwtAlgorithms,
  mysqlUrl,
  oneOf,
  origins,
  proxies,
  text,
  redisUrl,
  wholeNumber,
} from './config-values.js';
import { CONTROL_CONNECTIONS } from './database/connection-counts.js';
import { QUANTITY_MAX } from './inventory/stock.js';
import { optional, preset, required } from './setting.js';

const DAY_MS = 86_400_000;

/** In the order of the documentation. Units and meanings are in the last column. */
export const SETTINGS = {
  mysqlUrl: required(
    'MYSQL_URL',
    mysqlUrl,
    '`mysql://user:password@host:3306/database`; several hosts and TLS: [docs/mysql.md](docs/mysql.md)',
  ),
  redisUrl: optional(
    'REDIS_URL',
    'must be set where `STOCK_LOCK` is `redis` or `redlock`, or `RATE_LIMIT_PER_SECOND` is given',
    redisUrl,
    'one server, several, Sentinels or a Cluster: [docs/redis.md](docs/redis.md); Redis 7 or later',
  ),
  port: preset('PORT', '4000', wholeNumber(0, 65_535), '`0` takes a free port'),
  host: preset('HOST', '127.0.0.1', text, 'the address to listen on; `0.0.0.0` for all'),
  environment: preset(
    'NODE_ENV',
    'production',
    oneOf('development', 'production', 'test'),
    '`development` switches the console, Sandbox and introspection on',
  ),
  authMethods: optional(
    'AUTH',
    'must be set in production',
    z.enum(['none', 'keys', 'jwt', 'keys,jwt', 'jwt,keys'], 'must be keys, jwt, keys,jwt or none'),
    'accepted credentials: `keys` (API keys), `jwt`, or `keys,jwt`; ' +
      'outside production the default is `none`: no authentication',
  ),
  jwtIssuer: optional(
    'JWT_ISSUER',
    'none',
    text,
    'the issuer of accepted JWTs; must be set where `AUTH` names `jwt`, as the next two',
  ),
  jwtAudience: optional('JWT_AUDIENCE', 'none', text, 'the audience of accepted JWTs'),
  jwtJwksUrl: optional('JWT_JWKS_URL', 'none', jwksUrl, "`https://` address of the issuer's keys"),
  jwtAlgorithms: preset(
    'JWT_ALGORITHMS',
    'RS256,PS256,ES256,EdDSA',
    jwtAlgorithms,
    'accepted algorithms; only algorithms with a public key can be named',
  ),
  authFailuresMaxPerAddress: preset(
    'AUTH_FAILURES_MAX_PER_ADDRESS',
    '20',
    wholeNumber(1, 1_000_000),
    'refused credentials of one address in ten seconds; then `RATE_LIMITED`, except for valid ones',
  ),
  ratePerSecond: optional(
    'RATE_LIMIT_PER_SECOND',
    '`10000` in production where `REDIS_URL` is set',
    wholeNumber(0, 10_000_000),
    'requests of one principal in a second, or their lines, over all servers; `0` for none; then `RATE_LIMITED`',
  ),
  rateBurst: optional(
    'RATE_LIMIT_BURST',
    'the same number',
    wholeNumber(0, 100_000_000),
    'further ones in any ten seconds',
  ),
  trustedProxies: preset(
    'TRUSTED_PROXIES',
    '',
    proxies,
    'addresses or networks of proxies whose `X-Forwarded-For` is trusted, separated by commas',
  ),
  stockLock: preset(
    'STOCK_LOCK',
    'redis',
    oneOf('redis', 'redlock', 'database', 'none'),
    'what serializes writes of one product: `redis`, `redlock` ([a majority of several](docs/redis.md#redlock)), ' +
      '`database` (`SELECT … FOR UPDATE`) or `none`; all are correct',
  ),
  lockTtlMs: preset(
    'LOCK_TTL_MS',
    '5000',
    autoOrNumber(500, DAY_MS),
    'how long a lock outlives an owner that has died; leases are renewed; `auto`: from how long commits take, ' +
      '[3 to 30 s](docs/high-availability.md#time-outs-by-measurement)',
  ),
  lockWaitMs: preset(
    'LOCK_WAIT_MS',
    '10000',
    autoOrNumber(1, DAY_MS),
    "the longest wait for a product's lock; then `LOCK_TIMEOUT`; `auto`: from how fast queues move",
  ),
  lockFallback: preset(
    'LOCK_FALLBACK',
    'database',
    oneOf('database', 'fail'),
    'without Redis: use row locks of the `database`, or `fail` with `UNAVAILABLE`',
  ),
  requestTimeoutMs: preset(
    'REQUEST_TIMEOUT_MS',
    '15000',
    wholeNumber(100, DAY_MS),
    'the longest time that a request may take',
  ),
  stockBatchMax: preset(
    'STOCK_BATCH_MAX',
    '512',
    wholeNumber(1, 10_000),
    'the most lines in one transaction; `1` gives each line its own',
  ),
  laneQueueMax: preset(
    'LANE_QUEUE_MAX',
    '10000',
    wholeNumber(1, 1_000_000),
    'lines that may wait for one product in one process; then `OVERLOADED`',
  ),
  laneQueueMaxPerPrincipal: optional(
    'LANE_QUEUE_MAX_PER_PRINCIPAL',
    'half of `LANE_QUEUE_MAX`',
    wholeNumber(1, 1_000_000),
    'of these lines, those of one principal; without authentication there is no such part',
  ),
  reservedUnitsMaxPerPrincipal: optional(
    'RESERVED_UNITS_MAX_PER_PRINCIPAL',
    'none',
    wholeNumber(1, QUANTITY_MAX),
    'units of one product that reservations of one principal may hold; then `OVERLOADED`',
  ),
  commitsMax: preset(
    'COMMITS_MAX',
    '2',
    wholeNumber(1, 1_000),
    'transactions that write at the same time, in one process',
  ),
  mysqlPoolMax: preset(
    'MYSQL_POOL_MAX',
    '10',
    wholeNumber(CONTROL_CONNECTIONS + 2, 10_000),
    'connections to MySQL, in one process: `COMMITS_MAX` write, 2 are for API keys and control, the others read',
  ),
  readConsistency: preset(
    'READ_CONSISTENCY',
    'strong',
    oneOf('strong', 'eventual'),
    'what queries see in a cluster of MySQL: `strong`: all that was committed at any member; `eventual`: what their ' +
      'own member has applied ([docs/high-availability.md](docs/high-availability.md#mysql-in-a-cluster))',
  ),
  idempotencyRetentionDays: preset(
    'IDEMPOTENCY_RETENTION_DAYS',
    '30',
    wholeNumber(1, 3_650),
    'how long the answers to idempotency keys are kept; the keys are kept for ever',
  ),
  workers: preset(
    'WORKERS',
    '1',
    wholeNumber(1, 128),
    'server processes behind the one port, replaced when they die; see below',
  ),
  graphqlCompiled: preset(
    'GRAPHQL_COMPILED',
    'true',
    flag,
    'operations that come again are prepared once; `false`: graphql-js interprets each anew, with the same answers',
  ),
  readNodesMax: preset(
    'READ_NODES_MAX',
    '40000',
    wholeNumber(2_000, 100_000_000),
    'entries of lists that one process reads at once, half of them for one principal; further reads wait',
  ),
  connectionsMax: preset(
    'CONNECTIONS_MAX',
    '10000',
    wholeNumber(1, 1_000_000),
    'connections to one process, WebSockets included; then an idle one gives its place, or 503 `OVERLOADED`',
  ),
  connectionsMaxPerAddress: preset(
    'CONNECTIONS_MAX_PER_ADDRESS',
    '2000',
    wholeNumber(1, 1_000_000),
    'of them from one address that is not in `TRUSTED_PROXIES`; then 503 `OVERLOADED`',
  ),
  requestsMaxPerPrincipal: preset(
    'REQUESTS_MAX_PER_PRINCIPAL',
    '5000',
    wholeNumber(1, 1_000_000),
    'requests under way of one principal, or without one of one address, in one process; then `RATE_LIMITED`',
  ),
  requestsMaxPerConnection: preset(
    'REQUESTS_MAX_PER_CONNECTION',
    '16',
    wholeNumber(1, 100_000),
    'pipelined requests of one connection that run at the same time; the next ones wait',
  ),
  sendBytesMaxPerConnection: preset(
    'SEND_BYTES_MAX_PER_CONNECTION',
    '1048576',
    wholeNumber(1, 1_000_000_000),
    'bytes of answers that one connection has not read; its next requests wait, and a WebSocket is cut',
  ),
  sendBytesMax: preset(
    'SEND_BYTES_MAX',
    '67108864',
    wholeNumber(1, 100_000_000_000),
    'bytes, WebSockets included, that all clients of one process have not read; then the client with most is cut',
  ),
  sendTimeoutMs: preset(
    'SEND_TIMEOUT_MS',
    '30000',
    wholeNumber(100, DAY_MS),
    'how long a client may read nothing of what was sent to it; then its connection is cut',
  ),
  watchSocketsMax: preset(
    'WATCH_SOCKETS_MAX',
    '1000',
    wholeNumber(0, 1_000_000),
    'WebSockets in one process; further ones are refused with 503',
  ),
  watchSubscriptionsMaxPerSocket: preset(
    'WATCH_SUBSCRIPTIONS_MAX_PER_SOCKET',
    '10',
    wholeNumber(1, 1_000_000),
    'subscriptions of one WebSocket; then `BAD_USER_INPUT`',
  ),
  watchSocketsMaxPerAddress: optional(
    'WATCH_SOCKETS_MAX_PER_ADDRESS',
    'a quarter of `WATCH_SOCKETS_MAX`',
    wholeNumber(1, 1_000_000),
    'of these WebSockets, those of one address; then 503',
  ),
  watchSocketsMaxPerPrincipal: optional(
    'WATCH_SOCKETS_MAX_PER_PRINCIPAL',
    'a quarter of `WATCH_SOCKETS_MAX`',
    wholeNumber(1, 1_000_000),
    'of these WebSockets, those of one principal; further ones are closed with 1013',
  ),
  watchSubscriptionsMaxPerPrincipal: preset(
    'WATCH_SUBSCRIPTIONS_MAX_PER_PRINCIPAL',
    '1000',
    wholeNumber(1, 1_000_000),
    'subscriptions of one principal, or without one of one address, in one process; then `RATE_LIMITED`',
  ),
  watchQueueMax: preset(
    'WATCH_QUEUE_MAX',
    '1000',
    wholeNumber(1, 100_000),
    'levels that wait for one slow subscriber; beyond it the subscriber is told to read again',
  ),
  migrateOnStart: preset(
    'MIGRATE_ON_START',
    'true',
    flag,
    '`false`: only `npm run migrate` applies migrations, and a server without them does not start',
  ),
  shutdownDelayMs: preset(
    'SHUTDOWN_DELAY_MS',
    '0',
    wholeNumber(0, DAY_MS),
    'how long a stop still serves everything while `/ready` says 503, so that load balancers can look away first',
  ),
  shutdownGraceMs: preset(
    'SHUTDOWN_GRACE_MS',
    '10000',
    wholeNumber(0, DAY_MS),
    'how long a stop waits for requests that have begun',
  ),
  logLevel: preset(
    'LOG_LEVEL',
    'info',
    oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    '`fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`',
  ),
  logFormat: preset(
    'LOG_FORMAT',
    'json',
    oneOf('json', 'pretty'),
    '`json`: one object a line; `pretty`: for people',
  ),
  otlpEndpoint: optional(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'none',
    httpUrl,
    'where traces are sent, as in `http://collector:4318`; with the other `OTEL_…` variables: ' +
      '[docs/operations.md](docs/operations.md#traces)',
  ),
  otelServiceName: preset(
    'OTEL_SERVICE_NAME',
    'stockade',
    text,
    'the name of this service in its traces',
  ),
  sandbox: optional(
    'SANDBOX',
    'on in development',
    flag,
    '`true` or `false`: Apollo Sandbox at `/graphql` in a browser',
  ),
  console: optional(
    'CONSOLE',
    'on in development',
    flag,
    '`true` or `false`: [the console](docs/console.md) at `/console`',
  ),
  federation: preset(
    'FEDERATION',
    'false',
    flag,
    '`true`: the API is [a subgraph](docs/supergraph.md) of Apollo Federation 2',
  ),
  trustedDocuments: optional(
    'TRUSTED_DOCUMENTS',
    'none',
    text,
    'a file: [the only operations that are served](docs/trusted-documents.md)',
  ),
  introspection: optional('INTROSPECTION', 'on in development', flag, '`true` or `false`'),
  corsOrigins: preset(
    'CORS_ORIGINS',
    '',
    origins,
    'origins whose pages may call the API, separated by commas',
  ),
} as const;
