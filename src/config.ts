/**
 * The environment becomes one typed, frozen configuration, or one error that lists every bad variable.
 *
 * settings.ts has the variables one by one; here is what they mean together. Nothing is read from the environment
 * anywhere else.
 */
import type { JwtSettings } from './auth/jwt-verifier.js';
import { CONTROL_CONNECTIONS } from './database/connection-counts.js';
import { independentServersOf, REDLOCK_SERVERS_MIN } from './lock/index.js';
import type { Setting } from './setting.js';
import { SETTINGS } from './settings.js';

/** Kinds of credentials that are accepted. */
export type AuthMethod = 'keys' | 'jwt';

/** One client of four may take all it can, and the others have places. */
const SHARES_OF_SOCKETS = 4;
/** One principal may be a backend that serves many buyers; one process serves fewer requests than this. */
const RATE_PER_SECOND_IN_PRODUCTION = 10_000;

type Values = {
  readonly [Name in keyof typeof SETTINGS]: (typeof SETTINGS)[Name] extends Setting<infer V>
    ? V
    : never;
};
type Derived =
  | 'authMethods'
  | 'jwtIssuer'
  | 'jwtAudience'
  | 'jwtJwksUrl'
  | 'jwtAlgorithms'
  | 'ratePerSecond'
  | 'rateBurst'
  | 'laneQueueMaxPerPrincipal'
  | 'reservedUnitsMaxPerPrincipal'
  | 'watchSocketsMaxPerAddress'
  | 'watchSocketsMaxPerPrincipal'
  | 'sandbox'
  | 'console'
  | 'introspection';

export interface Config extends Omit<Values, Derived> {
  /** Accepted kinds of credentials; empty where there is no authentication. */
  readonly auth: readonly AuthMethod[];
  /** Set where auth names jwt. */
  readonly jwt: JwtSettings | null;
  /** Requests of one principal, or their lines, over all processes; null where there is no limit. */
  readonly rateLimit: { readonly perSecond: number; readonly burst: number } | null;
  readonly laneQueueMaxPerPrincipal: number;
  /** Null where there is no bound. */
  readonly reservedUnitsMaxPerPrincipal: number | null;
  /** Of `watchSocketsMax`. */
  readonly watchSocketsMaxPerAddress: number;
  readonly watchSocketsMaxPerPrincipal: number;
  readonly sandbox: boolean;
  readonly console: boolean;
  readonly introspection: boolean;
}

/** Every variable that is missing or wrong. */
export class ConfigError extends Error {
  readonly code = 'CONFIG' as const;
  constructor(readonly problems: readonly string[]) {
    super(`The configuration is not usable:\n${problems.map((p) => `  ${p}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws ConfigError */
export function loadConfig(env: Environment): Config {
  const values: Record<string, unknown> = {};
  // A variable's first problem is enough; what it lacks beside others matters only where it is right by itself.
  const problems = new Map<string, string>();
  for (const [name, setting] of Object.entries<Setting<unknown>>(SETTINGS)) {
    const read = readSetting(setting, env);
    if ('problem' in read) problems.set(setting.variable, read.problem);
    else values[name] = read.value;
  }
  for (const [variable, problem] of problemsTogether(values)) {
    if (!problems.has(variable)) problems.set(variable, `${variable} ${problem}`);
  }
  if (problems.size > 0) throw new ConfigError([...problems.values()]);
  return configOf(values as unknown as Values);
}

function readSetting<Value>(
  { variable, parser, fallback, isRequired }: Setting<Value>,
  env: Environment,
): { readonly value: Value | undefined } | { readonly problem: string } {
  // Shells and compose files set a variable to nothing where it is not set.
  const given = env[variable] === '' ? undefined : env[variable];
  const taken = given ?? fallback;
  if (taken === null) {
    return isRequired ? { problem: `${variable} must be set` } : { value: undefined };
  }
  const parsed = parser.safeParse(taken);
  if (parsed.success) return { value: parsed.data };
  // An address may contain a password, in a variable for something else as well.
  const mayBeSecret = variable.endsWith('_URL') || taken.includes('@');
  const got = mayBeSecret ? '' : `; got "${taken.slice(0, 100)}"`;
  return { problem: `${variable} ${parsed.error.issues[0]?.message ?? 'is wrong'}${got}` };
}

function configOf(values: Values): Config {
  const development = values.environment === 'development';
  const share = Math.ceil(values.watchSocketsMax / SHARES_OF_SOCKETS);
  return Object.freeze({
    ...values,
    auth: Object.freeze((['keys', 'jwt'] as const).filter((m) => values.authMethods?.includes(m))),
    jwt: jwtOf(values),
    rateLimit: rateLimitOf(values),
    laneQueueMaxPerPrincipal: values.laneQueueMaxPerPrincipal ?? Math.ceil(values.laneQueueMax / 2),
    reservedUnitsMaxPerPrincipal: values.reservedUnitsMaxPerPrincipal ?? null,
    watchSocketsMaxPerAddress: values.watchSocketsMaxPerAddress ?? share,
    watchSocketsMaxPerPrincipal: values.watchSocketsMaxPerPrincipal ?? share,
    sandbox: values.sandbox ?? development,
    console: values.console ?? development,
    introspection: values.introspection ?? development,
  });
}

/** What variables require of each other. A variable that is wrong by itself is undefined here. */
function* problemsTogether(
  values: Partial<Values>,
): Generator<[variable: string, problem: string]> {
  if (values.environment === 'production' && (values.authMethods ?? 'none') === 'none') {
    yield ['AUTH', 'must be keys, jwt or keys,jwt in production'];
  }
  if (values.authMethods?.includes('jwt')) {
    for (const name of ['jwtIssuer', 'jwtAudience', 'jwtJwksUrl'] as const) {
      if (values[name] === undefined) {
        yield [SETTINGS[name].variable, 'must be set where AUTH names jwt'];
      }
    }
  }
  yield* lockProblems(values);
  if (values.lockTtlMs === 'auto' && values.stockLock === 'redlock') {
    yield ['LOCK_TTL_MS', 'must be a number with STOCK_LOCK=redlock, whose servers count one life'];
  }
  if (values.ratePerSecond && values.redisUrl === undefined) {
    yield ['REDIS_URL', 'must be set where RATE_LIMIT_PER_SECOND is'];
  }
  const { laneQueueMax, laneQueueMaxPerPrincipal } = values;
  if ((laneQueueMaxPerPrincipal ?? 0) > (laneQueueMax ?? Infinity)) {
    yield ['LANE_QUEUE_MAX_PER_PRINCIPAL', 'must be at most LANE_QUEUE_MAX, of which it is a part'];
  }
  const { commitsMax, mysqlPoolMax } = values;
  if (commitsMax === undefined || mysqlPoolMax === undefined) return;
  if (commitsMax + CONTROL_CONNECTIONS >= mysqlPoolMax) {
    const most = mysqlPoolMax - CONTROL_CONNECTIONS - 1;
    yield [
      'COMMITS_MAX',
      `must be at most ${most}, 3 below MYSQL_POOL_MAX, so that 2 connections are left for control and 1 for reads; ` +
        `got ${commitsMax}`,
    ];
  }
}

function* lockProblems({
  stockLock,
  redisUrl,
}: Partial<Values>): Generator<[variable: string, problem: string]> {
  if (stockLock !== 'redis' && stockLock !== 'redlock') return;
  if (redisUrl === undefined) {
    yield ['REDIS_URL', `must be set where STOCK_LOCK is ${stockLock}`];
  } else if (stockLock === 'redlock' && independentServersOf(redisUrl) < REDLOCK_SERVERS_MIN) {
    yield [
      'REDIS_URL',
      `must name at least ${REDLOCK_SERVERS_MIN} independent servers, separated by commas, ` +
        `where STOCK_LOCK is redlock; got ${independentServersOf(redisUrl)}`,
    ];
  }
}

function jwtOf(values: Values): JwtSettings | null {
  const { jwtIssuer: issuer, jwtAudience: audience, jwtJwksUrl: jwksUrl } = values;
  if (!values.authMethods?.includes('jwt')) return null;
  if (issuer === undefined || audience === undefined || jwksUrl === undefined) return null;
  return Object.freeze({ issuer, audience, jwksUrl, algorithms: values.jwtAlgorithms });
}

function rateLimitOf(values: Values): Config['rateLimit'] {
  const isProduction = values.environment === 'production';
  const usual = isProduction && values.redisUrl ? RATE_PER_SECOND_IN_PRODUCTION : 0;
  const perSecond = values.ratePerSecond ?? usual;
  const burst = values.rateBurst ?? perSecond;
  return perSecond === 0 ? null : Object.freeze({ perSecond, burst });
}

/** The one variable that the commands beside the server need. @throws ConfigError */
export function requireMysqlUrl(env: Environment): string {
  const read = readSetting(SETTINGS.mysqlUrl, env);
  if ('problem' in read) throw new ConfigError([read.problem]);
  return read.value ?? '';
}

/** The rows of the README's table: variable, default and meaning. */
export function documentedSettings(): readonly (readonly [string, string, string])[] {
  return Object.values<Setting<unknown>>(SETTINGS).map(({ variable, shown, meaning }) => [
    `\`${variable}\``,
    shown,
    meaning,
  ]);
}
