/**
 * The environment becomes one typed, frozen configuration, or one error that lists everything that is wrong with it.
 *
 * Nothing is read from the environment anywhere else, so the table in the README is complete by construction.
 */
import { z } from 'zod';

export type StockLockKind = 'redis' | 'database' | 'none';

const DAY_MS = 86_400_000;

const wholeNumber = (fallback: number, min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((n) => n >= min && n <= max, `must be a whole number from ${min} to ${max}`)
    .default(fallback);

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
    LOG_LEVEL: z
      .enum(
        ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
        'must be fatal, error, warn, info, debug, trace or silent',
      )
      .default('info'),
    MIGRATE_ON_START: flag.default(true),
    SANDBOX: flag.optional(),
    INTROSPECTION: flag.optional(),
    CORS_ORIGINS: z
      .string()
      .default('')
      .transform((text) => text.split(',').filter((origin) => origin !== ''))
      .refine(
        (origins) => origins.every((o) => URL.canParse(o) && new URL(o).origin === o),
        'must be origins separated by commas, as in https://shop.example,https://admin.example',
      ),
  })
  .superRefine((env, context) => {
    const complain = (variable: string, message: string) => {
      context.addIssue({ code: 'custom', path: [variable], message });
    };
    if (env.STOCK_LOCK === 'redis' && env.REDIS_URL === undefined) {
      complain('REDIS_URL', 'must be set where STOCK_LOCK is redis');
    }
    if (env.COMMITS_MAX >= env.MYSQL_POOL_MAX) {
      complain('COMMITS_MAX', 'must be below MYSQL_POOL_MAX, which leaves connections for reads');
    }
  });

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
  readonly logLevel: string;
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
    throw new ConfigError(
      parsed.error.issues.map((issue) => {
        const variable = String(issue.path[0]);
        return given[variable] === undefined && issue.code === 'invalid_type'
          ? `${variable} must be set`
          : `${variable} ${issue.message}`;
      }),
    );
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
    logLevel: checked.LOG_LEVEL,
    migrateOnStart: checked.MIGRATE_ON_START,
    sandbox: checked.SANDBOX ?? development,
    introspection: checked.INTROSPECTION ?? development,
    corsOrigins: Object.freeze(checked.CORS_ORIGINS),
  });
}

/** The one variable that the tools beside the server need. @throws ConfigError */
export function requireMysqlUrl(env: Readonly<Record<string, string | undefined>>): string {
  const parsed = mysqlUrl.safeParse(env.MYSQL_URL);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const problem = env.MYSQL_URL ? (issue?.message ?? 'is wrong') : 'must be set';
  throw new ConfigError([`MYSQL_URL ${problem}`]);
}
