/** `npm run keys`: makes, lists, revokes and replaces API keys. A key is printed once, when it is made. */
import { parseArgs } from 'node:util';
import { ApiKeyRequestError, ApiKeys } from '../auth/api-keys.js';
import { SCOPES, toScopes, type Scope } from '../auth/principal.js';
import { requireMysqlUrl } from '../config.js';
import { Database } from '../database/connections.js';
import { MysqlApiKeyStore } from '../database/api-key-store.js';
import { explainStartFailure } from './start-failure.js';

const USAGE = `npm run keys -- create --name <name> --scopes <scopes> [--expires <when>]
npm run keys -- list
npm run keys -- revoke <prefix>
npm run keys -- rotate <prefix> [--overlap <time>] [--expires <when>]

  --name     whose key it is: the principal, as the ledger shows it
  --scopes   some of ${SCOPES.join(',')}, separated by commas
  --expires  a day as in 2027-01-01, or a time from now as in 90d, 12h, 30m; never, where left out
  --overlap  how long the replaced key stays good: 1d where left out, 0 revokes it at once

MYSQL_URL says where the keys are kept. A revoked key is refused everywhere within 5 seconds.`;

const UNITS_MS = { d: 86_400_000, h: 3_600_000, m: 60_000 } as const;
const OVERLAP_DEFAULT = '1d';

const { argv, env } = process;

try {
  const { positionals, values } = readArguments(argv.slice(2));
  if (values.help) {
    console.log(USAGE);
  } else {
    await withKeys((keys) => run(keys, positionals, values));
  }
} catch (error) {
  console.error(explainStartFailure(error));
  process.exitCode = 1;
}

function readArguments(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        name: { type: 'string' },
        scopes: { type: 'string' },
        expires: { type: 'string' },
        overlap: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw misused(error instanceof Error ? error.message : String(error));
  }
}

type Values = ReturnType<typeof readArguments>['values'];

async function withKeys(work: (keys: ApiKeys) => Promise<void>): Promise<void> {
  const database = new Database({ url: requireMysqlUrl(env), poolMax: 2, commitsMax: 1 });
  try {
    await work(new ApiKeys(new MysqlApiKeyStore(database)));
  } finally {
    await database.close();
  }
}

async function run(
  keys: ApiKeys,
  [command, prefix, ...more]: readonly string[],
  values: Values,
): Promise<void> {
  if (more.length > 0) throw misused(`What is ${more.join(' ')}?`);
  const expiresAt = values.expires === undefined ? null : readMoment(values.expires);
  switch (command) {
    case 'create': {
      const { name = '', scopes = '' } = values;
      show(await keys.create({ name, scopes: readScopes(scopes), expiresAt }));
      return;
    }
    case 'list':
      console.log(await table(keys));
      return;
    case 'revoke':
      await keys.revoke(needed(prefix));
      console.log('Revoked; every server refuses it within 5 seconds.');
      return;
    case 'rotate': {
      const overlapMs = readTime(values.overlap ?? OVERLAP_DEFAULT);
      show(await keys.rotate(needed(prefix), { overlapMs, expiresAt }));
      return;
    }
    default:
      throw misused(command === undefined ? 'Say what to do.' : `There is no command ${command}.`);
  }
}

/** On stdout nothing but the key, so that it can be piped into a store of secrets. */
function show(key: string): void {
  console.log(key);
  console.error('Keep it: it is not shown again.');
}

async function table(keys: ApiKeys): Promise<string> {
  const rows = (await keys.list()).map((key) => {
    const end = key.revokedAt ?? key.expiresAt;
    const how = key.revokedAt ? 'revoked' : key.expiresAt ? 'expires' : 'no end';
    return [
      key.prefix,
      key.name,
      [...key.scopes].join(','),
      `created ${day(key.createdAt)}`,
      end ? `${how} ${day(end)}` : how,
    ];
  });
  if (rows.length === 0) return 'There are no keys.';
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((row) => cell(row, column).length)),
  );
  return rows
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths?.[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cell(row: readonly string[], column: number): string {
  return row[column] ?? '';
}

function day(date: Date): string {
  return `${date.toISOString().slice(0, 16)}Z`;
}

function needed(prefix: string | undefined): string {
  if (prefix === undefined) throw misused('Say which key, by its prefix.');
  // Somebody may have pasted a whole key; its secret has no business here.
  return prefix.split('.')[0] ?? '';
}

function readScopes(text: string): ReadonlySet<Scope> {
  const words = text.split(',').filter((word) => word !== '');
  const scopes = toScopes(words);
  const unknown = words.filter((word) => !scopes.has(word as Scope));
  if (unknown.length > 0) {
    throw misused(`There is no scope ${unknown.join(', ')}; there are ${SCOPES.join(', ')}.`);
  }
  return scopes;
}

function readMoment(text: string): Date {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) {
    const date = new Date(`${text}T00:00:00Z`);
    if (!Number.isNaN(date.getTime())) return date;
  }
  return new Date(Date.now() + readTime(text));
}

function readTime(text: string): number {
  if (text === '0') return 0;
  const [, count, unit] = /^(\d{1,5})([dhm])$/.exec(text) ?? [];
  if (count === undefined) {
    throw misused(`${text} is neither a day as in 2027-01-01 nor a time as in 90d, 12h or 30m.`);
  }
  return Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS];
}

function misused(problem: string): ApiKeyRequestError {
  return new ApiKeyRequestError(`${problem}\n\n${USAGE}`);
}
