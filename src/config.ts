/**
 * The environment becomes one typed, frozen configuration, or one error that lists everything that is wrong with it.
 *
 * Nothing is read from the environment anywhere else, so the table in the README is complete by construction.
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import { JWT_ALGORITHMS, type JwtAlgorithm, type JwtSettings } from './auth/jwt-verifier.js';

export type StockLockKind = 'redis' | 'database' | 'none';

/** How principals may prove who they are. */
export type AuthMethod = 'keys' | 'jwt';

const DAY_MS = 86_400_000;
/** For a backend that sells for many buyers under one name: what one process serves is far below. */
const RATE_PER_SECOND_IN_PRODUCTION = 10_000;

const numberWithin = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((n) => n >= min && n <= max, `must be a whole number from ${min} to ${max}`);

const wholeNumber = (fallback: number, min: number, max: number) =>
  numberWithin(min, max).default(fallback);

const flag = z
  .enum(['true', 'false'], 'must be true or false')
  .transform((text) => text === 'true');

const urlOf = (...protocols: string[]) =>
  z.string().refine(
    (text) => {
      const url = URL.canParse(text) ? new URL(text) : null;
      return url !== null && url.hostname !== '' && protocols.includes(url.protocol);
    },
    `must be an address that begins with ${protocols.map((p) => `${p}//`).join(' or ')}`,
  );

const mysqlUrl = urlOf('mysql:', 'mariadb:').refine((text) => {
  return !URL.canParse(text) || new URL(text).pathname.length > 1;
}, 'must name a database, as in mysql://user:password@host:3306/stockade');

const list = (text: string) => text.split(',').filter((word) => word !== '');

/** Keys that come over an open network may be anybody's. */
const jwksUrl = urlOf('https:', 'http:').refine((text) => {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url?.protocol !== 'http:' || /^(localhost|127\..+|\[::1\])$/.test(url.hostname);
}, 'must begin with https://, unless it is on this machine');

const environment = z
  .object({
    NODE_ENV: z
      .enum(['development', 'production', 'test'], 'must be development, production or test')
      .default('production'),
    PORT: wholeNumber(4000, 0, 65_535),
    HOST: z.string().min(1).default('127.0.0.1'),
    MYSQL_URL: mysqlUrl,
    REDIS_URL: urlOf('redis:', 'rediss:').optional(),
    STOCK_LOCK: z
      .enum(['redis', 'database', 'none'], 'must be redis, database or none')
      .default('redis'),
    LOCK_TTL_MS: wholeNumber(5_000, 500, DAY_MS),
    LOCK_WAIT_MS: wholeNumber(10_000, 1, DAY_MS),
    LOCK_FALLBACK: z.enum(['database', 'fail'], 'must be database or fail').default('database'),
    REQUEST_TIMEOUT_MS: wholeNumber(15_000, 100, DAY_MS),
    SHUTDOWN_GRACE_MS: wholeNumber(10_000, 0, DAY_MS),
    IDEMPOTENCY_RETENTION_DAYS: wholeNumber(30, 1, 3_650),
    STOCK_BATCH_MAX: wholeNumber(512, 1, 10_000),
    LANE_QUEUE_MAX: wholeNumber(10_000, 1, 1_000_000),
    COMMITS_MAX: wholeNumber(2, 1, 1_000),
    MYSQL_POOL_MAX: wholeNumber(10, 2, 10_000),
    WORKERS: wholeNumber(1, 1, 128),
    WATCH_SOCKETS_MAX: wholeNumber(1_000, 0, 1_000_000),
    WATCH_QUEUE_MAX: wholeNumber(1_000, 1, 100_000),
    LOG_LEVEL: z
      .enum(
        ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
        'must be fatal, error, warn, info, debug, trace or silent',
      )
      .default('info'),
    AUTH: z
      .enum(['none', 'keys', 'jwt', 'keys,jwt', 'jwt,keys'], 'must be keys, jwt, keys,jwt or none')
      .optional(),
    JWT_ISSUER: z.string().optional(),
    JWT_AUDIENCE: z.string().optional(),
    JWT_JWKS_URL: jwksUrl.optional(),
    JWT_ALGORITHMS: z
      .string()
      .default('RS256,PS256,ES256,EdDSA')
      .transform(list)
      .refine(
        (names): names is JwtAlgorithm[] =>
          names.length > 0 && names.every((name) => JWT_ALGORITHMS.some((known) => known === name)),
        `must be some of ${JWT_ALGORITHMS.join(',')}`,
      ),
    RATE_LIMIT_PER_SECOND: numberWithin(0, 10_000_000).optional(),
    RATE_LIMIT_BURST: numberWithin(0, 100_000_000).optional(),
    TRUSTED_PROXIES: z
      .string()
      .default('')
      .transform(list)
      .refine(
        (proxies) => proxies.every(isNetwork),
        'must be addresses or networks as in 10.0.0.0/8',
      ),
    MIGRATE_ON_START: flag.default(true),
    SANDBOX: flag.optional(),
    INTROSPECTION: flag.optional(),
    CORS_ORIGINS: z
      .string()
      .default('')
      .transform(list)
      .refine(
        (origins) => origins.every((o) => URL.canParse(o) && new URL(o).origin === o),
        'must be origins separated by commas, as in https://shop.example,https://admin.example',
      ),
  })
  // Also where a variable by itself is wrong, so that everything is said at once.
  .superRefine(checkTogether, { when: () => true });

type Checked = z.infer<typeof environment>;

export interface Config {
  readonly environment: 'development' | 'production' | 'test';
  readonly host: string;
  /** 0 lets the system choose a free one. */
  readonly port: number;
  readonly mysqlUrl: string;
  /** Set wherever stockLock is redis. */
  readonly redisUrl: string | undefined;
  readonly stockLock: StockLockKind;
  readonly lockTtlMs: number;
  readonly lockWaitMs: number;
  readonly lockFallback: 'database' | 'fail';
  readonly requestTimeoutMs: number;
  readonly shutdownGraceMs: number;
  readonly idempotencyRetentionDays: number;
  readonly stockBatchMax: number;
  readonly laneQueueMax: number;
  readonly commitsMax: number;
  readonly mysqlPoolMax: number;
  /** Server processes behind one port; each has its own lanes, locks and pools. */
  readonly workers: number;
  /** WebSockets in one process. */
  readonly watchSocketsMax: number;
  /** Levels that wait for one watcher. */
  readonly watchQueueMax: number;
  readonly logLevel: string;
  /** How principals may prove who they are; none where everybody may do everything. */
  readonly auth: readonly AuthMethod[];
  /** Set where auth names jwt. */
  readonly jwt: JwtSettings | null;
  /** Of one principal, over all processes; null where nobody is limited. */
  readonly rateLimit: { readonly perSecond: number; readonly burst: number } | null;
  /** Addresses and networks whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  readonly migrateOnStart: boolean;
  readonly sandbox: boolean;
  readonly introspection: boolean;
  readonly corsOrigins: readonly string[];
}

/** Every variable that is missing or wrong, named at once. */
export class ConfigError extends Error {
  readonly code = 'CONFIG' as const;
  constructor(readonly problems: readonly string[]) {
    super(`The configuration is not usable:\n${problems.map((p) => `  ${p}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

/** @throws ConfigError */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  // An empty variable is how shells and compose files say "not set".
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    const problems = new Map<string, string>();
    for (const { path, code, message } of parsed.error.issues) {
      const variable = String(path[0]);
      const missing = given[variable] === undefined && code === 'invalid_type';
      // One is enough: what a variable lacks beside others is of no use where it is wrong by itself.
      if (!problems.has(variable)) {
        problems.set(variable, `${variable} ${missing ? 'must be set' : message}`);
      }
    }
    throw new ConfigError([...problems.values()]);
  }
  const checked = parsed.data;
  const development = checked.NODE_ENV === 'development';
  return Object.freeze({
    environment: checked.NODE_ENV,
    host: checked.HOST,
    port: checked.PORT,
    mysqlUrl: checked.MYSQL_URL,
    redisUrl: checked.REDIS_URL,
    stockLock: checked.STOCK_LOCK,
    lockTtlMs: checked.LOCK_TTL_MS,
    lockWaitMs: checked.LOCK_WAIT_MS,
    lockFallback: checked.LOCK_FALLBACK,
    requestTimeoutMs: checked.REQUEST_TIMEOUT_MS,
    shutdownGraceMs: checked.SHUTDOWN_GRACE_MS,
    idempotencyRetentionDays: checked.IDEMPOTENCY_RETENTION_DAYS,
    stockBatchMax: checked.STOCK_BATCH_MAX,
    laneQueueMax: checked.LANE_QUEUE_MAX,
    commitsMax: checked.COMMITS_MAX,
    mysqlPoolMax: checked.MYSQL_POOL_MAX,
    workers: checked.WORKERS,
    watchSocketsMax: checked.WATCH_SOCKETS_MAX,
    watchQueueMax: checked.WATCH_QUEUE_MAX,
    logLevel: checked.LOG_LEVEL,
    auth: Object.freeze((['keys', 'jwt'] as const).filter((m) => checked.AUTH?.includes(m))),
    jwt: jwtOf(checked),
    rateLimit: rateLimitOf(checked),
    trustedProxies: Object.freeze(checked.TRUSTED_PROXIES),
    migrateOnStart: checked.MIGRATE_ON_START,
    sandbox: checked.SANDBOX ?? development,
    introspection: checked.INTROSPECTION ?? development,
    corsOrigins: Object.freeze(checked.CORS_ORIGINS),
  });
}

/** What variables ask of each other. A variable that is wrong by itself may be anything here. */
function checkTogether(
  env: Readonly<Partial<Record<string, unknown>>>,
  context: z.core.$RefinementCtx,
): void {
  const complain = (variable: string, message: string) => {
    context.addIssue({ code: 'custom', path: [variable], message });
  };
  if (env.STOCK_LOCK === 'redis' && env.REDIS_URL === undefined) {
    complain('REDIS_URL', 'must be set where STOCK_LOCK is redis');
  }
  const auth = typeof env.AUTH === 'string' ? env.AUTH : 'none';
  if (env.NODE_ENV === 'production' && auth === 'none') {
    complain('AUTH', 'must be keys, jwt or keys,jwt in production');
  }
  if (auth.includes('jwt')) {
    for (const variable of ['JWT_ISSUER', 'JWT_AUDIENCE', 'JWT_JWKS_URL']) {
      if (env[variable] === undefined) complain(variable, 'must be set where AUTH names jwt');
    }
  }
  if (env.RATE_LIMIT_PER_SECOND && env.REDIS_URL === undefined) {
    complain('REDIS_URL', 'must be set where RATE_LIMIT_PER_SECOND is');
  }
  if (Number(env.COMMITS_MAX) >= Number(env.MYSQL_POOL_MAX)) {
    complain('COMMITS_MAX', 'must be below MYSQL_POOL_MAX, which leaves connections for reads');
  }
}

function jwtOf(checked: Checked): JwtSettings | null {
  const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWT_JWKS_URL: jwksUrl } = checked;
  if (!checked.AUTH?.includes('jwt')) return null;
  if (issuer === undefined || audience === undefined || jwksUrl === undefined) return null;
  return Object.freeze({ issuer, audience, jwksUrl, algorithms: checked.JWT_ALGORITHMS });
}

function rateLimitOf(checked: Checked): Config['rateLimit'] {
  const isProduction = checked.NODE_ENV === 'production';
  const usual = isProduction && checked.REDIS_URL ? RATE_PER_SECOND_IN_PRODUCTION : 0;
  const perSecond = checked.RATE_LIMIT_PER_SECOND ?? usual;
  const burst = checked.RATE_LIMIT_BURST ?? perSecond;
  return perSecond === 0 ? null : Object.freeze({ perSecond, burst });
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  const bitsMax = family === 4 ? 32 : 128;
  const sized = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= bitsMax);
  return family !== 0 && sized && more.length === 0;
}

/** The one variable that the tools beside the server need. @throws ConfigError */
export function requireMysqlUrl(env: Readonly<Record<string, string | undefined>>): string {
  const parsed = mysqlUrl.safeParse(env.MYSQL_URL);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const problem = env.MYSQL_URL ? (issue?.message ?? 'is wrong') : 'must be set';
  throw new ConfigError([`MYSQL_URL ${problem}`]);
}
