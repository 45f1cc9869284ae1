/** `stockade keys`: creates, lists, revokes and rotates API keys. A key is printed once, when it is created. */
import { InvalidArgumentError, type Command } from 'commander';
import { ApiKeys } from '../auth/api-keys.js';
import { SCOPES, toScopes, type Scope } from '../auth/principal.js';
import { MysqlApiKeyStore } from '../database/api-key-store.js';
import { Database } from '../database/connections.js';
import { addCommand, type CommandText } from './add-command.js';
import { DATABASE_NOTE, mysqlUrlOrDevelopment } from './development-services.js';
import { EXIT } from './exit-codes.js';

const UNITS_MS = { d: 86_400_000, h: 3_600_000, m: 60_000 } as const;

const EXPIRES = [
  '--expires <when>',
  'a day as in 2027-01-01, or a time from now as in 90d, 12h or 30m; the default is never',
] as const;

const WHAT_EACH_NEEDS: Pick<CommandText, 'notes' | 'exitCodes'> = {
  notes: `${DATABASE_NOTE} A revoked key is refused on every server within 5 seconds.`,
  exitCodes: { [EXIT.done]: 'done', [EXIT.failed]: 'nothing was changed' },
};

export function addKeys(program: Command): void {
  const keys = addCommand(program, {
    usage: 'keys',
    summary: 'create, list, revoke and rotate API keys',
    description: 'Creates, lists, revokes and rotates API keys.',
    ...WHAT_EACH_NEEDS,
  });
  addCreate(keys);
  addList(keys);
  addRevoke(keys);
  addRotate(keys);
}

function addCreate(keys: Command): void {
  addCommand(keys, {
    usage: 'create',
    summary: 'create a key and print it',
    description: 'Creates a key and prints it; it is not shown again.',
    ...WHAT_EACH_NEEDS,
  })
    .requiredOption('--name <name>', 'the principal, as the ledger shows it')
    .requiredOption(
      '--scopes <scopes>',
      `some of ${SCOPES.join(',')}, separated by commas`,
      readScopes,
    )
    .option(...EXPIRES, readMoment)
    .action(async (options: { name: string; scopes: ReadonlySet<Scope>; expires?: Date }) => {
      const { name, scopes, expires: expiresAt = null } = options;
      await withKeys(async (stored) => {
        printKey(await stored.create({ name, scopes, expiresAt }));
      });
    });
}

function addList(keys: Command): void {
  addCommand(keys, {
    usage: 'list',
    summary: 'list all keys, without their secrets',
    description: 'Lists all keys by their prefixes, without their secrets.',
    ...WHAT_EACH_NEEDS,
  }).action(() =>
    withKeys(async (stored) => {
      console.log(await table(stored));
    }),
  );
}

function addRevoke(keys: Command): void {
  addCommand(keys, {
    usage: 'revoke <prefix>',
    summary: 'end a key',
    description: 'Revokes the key with this prefix.',
    ...WHAT_EACH_NEEDS,
  }).action((prefix: string) =>
    withKeys(async (stored) => {
      await stored.revoke(withoutSecret(prefix));
      console.log('Revoked; every server refuses it within 5 seconds.');
    }),
  );
}

function addRotate(keys: Command): void {
  addCommand(keys, {
    usage: 'rotate <prefix>',
    summary: 'replace a key and print the new one',
    description:
      'Creates a key with the name and the scopes of the one with this prefix, which stays ' +
      'valid for the overlap. The new key does not inherit the expiry.',
    ...WHAT_EACH_NEEDS,
  })
    .option(
      '--overlap <time>',
      'how long the old key stays valid as in 1d, the default; 0 revokes it at once',
      readTime,
      UNITS_MS.d,
    )
    .option(...EXPIRES, readMoment)
    .action(async (prefix: string, options: { overlap: number; expires?: Date }) => {
      const { overlap: overlapMs, expires: expiresAt = null } = options;
      await withKeys(async (stored) => {
        printKey(await stored.rotate(withoutSecret(prefix), { overlapMs, expiresAt }));
      });
    });
}

async function withKeys(work: (keys: ApiKeys) => Promise<void>): Promise<void> {
  const database = new Database({
    url: mysqlUrlOrDevelopment(process.env),
    poolMax: 2,
    commitsMax: 1,
  });
  try {
    await work(new ApiKeys(new MysqlApiKeyStore(database)));
  } finally {
    await database.close();
  }
}

/** The standard output gets the key and nothing else, so that it can be piped into a store of secrets. */
function printKey(key: string): void {
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
      `created ${minuteOf(key.createdAt)}`,
      end ? `${how} ${minuteOf(end)}` : how,
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

function minuteOf(date: Date): string {
  return `${date.toISOString().slice(0, 16)}Z`;
}

/** The prefix of a key, also where the whole key was pasted: its secret must not reach a log or an error. */
function withoutSecret(prefix: string): string {
  return prefix.split('.')[0] ?? '';
}

function readScopes(text: string): ReadonlySet<Scope> {
  const words = text.split(',').filter((word) => word !== '');
  const scopes = toScopes(words);
  const unknown = words.filter((word) => !scopes.has(word as Scope));
  if (unknown.length > 0 || scopes.size === 0) {
    const got = unknown.length > 0 ? `got ${unknown.join(', ')}` : 'got none';
    throw new InvalidArgumentError(`Scopes must be some of ${SCOPES.join(', ')}; ${got}.`);
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
    throw new InvalidArgumentError(
      'It must be a day as in 2027-01-01 or a time as in 90d, 12h or 30m.',
    );
  }
  return Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS];
}
