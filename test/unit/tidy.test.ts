/** The house rules that a machine can check: which imports are allowed, how large a file may be, what may not exist. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import ts from 'typescript';

const FILES = listFiles('src').filter((file) => file.endsWith('.ts'));
const OUTSIDE = ['services', 'bench', 'client']
  .flatMap(listFiles)
  .filter((file) => file.endsWith('.ts') && !file.startsWith('client/generated'));
const CONSOLE = listFiles('console/src').filter(
  (file) => /\.tsx?$/.test(file) && !file.startsWith('console/src/generated'),
);
const OURS = [...FILES, ...OUTSIDE, ...CONSOLE, ...listFiles('test')].filter(
  (file) => /\.tsx?$/.test(file) && !file.startsWith('test/generated'),
);

/** Which folders and packages each part may import, itself apart. `node:` modules are free for all. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  time: [],
  redis: ['time', 'ioredis'],
  lock: ['redis', 'time', 'ioredis', 'redis-semaphore'],
  'rate-limit': ['redis', 'time', 'ioredis', 'lru-cache'],
  auth: ['dataloader', 'jose', 'lru-cache'],
  inventory: ['lock', 'time'],
  simulation: ['inventory', 'lock', 'redis', 'time'],
  'product-files': ['inventory', 'csv-stringify'],
  database: ['auth', 'inventory', 'time', 'sequelize', 'umzug'],
  changes: ['inventory', 'lock', 'redis', 'time'],
  fleet: ['inventory', 'redis', 'time', 'zod'],
  metrics: ['changes', 'graphql', 'inventory', 'lock', 'time', 'prom-client'],
  telemetry: [
    'graphql',
    'http',
    'inventory',
    '@opentelemetry/api',
    '@opentelemetry/core',
    '@opentelemetry/exporter-trace-otlp-http',
    '@opentelemetry/resources',
    '@opentelemetry/sdk-trace-base',
  ],
  graphql: [
    'auth',
    'fleet',
    'rate-limit',
    'inventory',
    'time',
    '@apollo/server',
    'dataloader',
    'lru-cache',
    'npm:graphql',
    'pino',
    'reflect-metadata',
    'type-graphql',
  ],
  http: [
    'auth',
    'graphql',
    'inventory',
    'rate-limit',
    'time',
    '@apollo/server',
    'cors',
    'graphql-ws',
    'pino',
    'proxy-addr',
    'raw-body',
    'secure-json-parse',
    'ws',
    'npm:graphql',
  ],
};

interface Import {
  readonly from: string;
  readonly to: string;
}

function listFiles(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? listFiles(path) : [path];
  });
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const pattern = /(?:from|import)\s*\(?\s*'([^']+)'/g;
  return [...text.matchAll(pattern)].map((match) => {
    const name = match[1] ?? '';
    const to = name.startsWith('.') ? normalize(join(dirname(file), name)) : name;
    return { from: file, to };
  });
}

/** The package graphql has the name of a room: it is told apart by its source. */
const ROOMS = new Set(Object.keys(ALLOWED));

/** `src/lock/errors.js` is of the part lock, `graphql/utilities` of the package `npm:graphql`. */
function partOf(target: string): string {
  if (target.startsWith('src/')) {
    const [part = '', ...rest] = relative('src', target).split('/');
    return rest.length > 0 ? part : `src/${part}`;
  }
  const segments = target.split('/');
  const name = target.startsWith('@') ? segments.slice(0, 2).join('/') : (segments[0] ?? '');
  return ROOMS.has(name) ? `npm:${name}` : name;
}

const IMPORTS = FILES.flatMap(importsOf);

test.each(Object.keys(ALLOWED))('src/%s imports only what it may', (part) => {
  const bad = IMPORTS.filter(({ from }) => partOf(from) === part)
    .filter(({ to }) => !to.startsWith('node:'))
    .filter(({ to }) => partOf(to) !== part && !ALLOWED[part]?.includes(partOf(to)));
  expect(bad).toEqual([]);
});

test('the lock is imported through its index alone', () => {
  const bad = IMPORTS.filter(
    ({ from, to }) =>
      partOf(from) !== 'lock' && partOf(to) === 'lock' && to !== 'src/lock/index.js',
  );
  expect(bad).toEqual([]);
});

test('only the development server imports services, and services import only what an address is', () => {
  const outside = (folder: RegExp) => IMPORTS.filter(({ to }) => folder.test(to));
  expect(outside(/^(test|bench)\//)).toEqual([]);
  const users = new Set(outside(/^services\//).map(({ from }) => from));
  const development = [
    ...['development-settings', 'development-topology', 'development'],
    ...['sale-trial-runner', 'server-processes'],
  ];
  expect([...users].sort()).toEqual(development.map((name) => `src/cli/${name}.ts`));
  const loaders = IMPORTS.filter(({ from }) => !users.has(from)).filter(({ to }) =>
    development.some((name) => to === `src/cli/${name}.js`),
  );
  expect(loaders.map(({ from }) => from)).toEqual(['src/cli/dev.ts']);
  const source = readFileSync('src/cli/dev.ts', 'utf8');
  expect(source).toContain("await import('./development.js')");
  const services = listFiles('services').filter((file) => file.endsWith('.ts'));
  const ofSources = services.flatMap(importsOf).map(({ to }) => to);
  expect(new Set(ofSources.filter((to) => to.startsWith('src/')))).toEqual(
    new Set([
      ...['src/database/mysql-address.js', 'src/database/tls-options.js'],
      ...['src/redis/address.js', 'src/redis/server-options.js'],
    ]),
  );
});

test('the benchmark imports src and services, and neither imports it', () => {
  const imports = OUTSIDE.flatMap(importsOf);
  const own = /^(src|services|bench)\//;
  const bad = imports.filter(({ from, to }) => {
    if (from.startsWith('services/')) return to.startsWith('bench/') || to.startsWith('test/');
    // A name without a folder is a package; a path of this project must be of one of the three.
    return to.startsWith('test/') || (to.startsWith('.') && !own.test(to));
  });
  expect(bad).toEqual([]);
  expect(imports.some(({ from, to }) => from.startsWith('bench/') && own.test(to))).toBe(true);
});

test('the client imports graphql-ws and the one computation of pauses, and nothing imports the client', () => {
  const imports = listFiles('client').flatMap(importsOf);
  const others = imports.map(({ to }) => to).filter((to) => !to.startsWith('client/'));
  expect(new Set(others)).toEqual(
    new Set(['graphql-ws/client', 'src/time/backoff.js', '@graphql-typed-document-node/core']),
  );
  const users = [...FILES, ...OUTSIDE].filter((file) => !file.startsWith('client/'));
  expect(users.flatMap(importsOf).filter(({ to }) => to.startsWith('client/'))).toEqual([]);
});

test('imports have no cycles', () => {
  const edges = new Map<string, string[]>();
  for (const { from, to } of [...IMPORTS, ...OUTSIDE.flatMap(importsOf)]) {
    if (/^(src|services|bench|client)\//.test(to))
      edges.set(from, [...(edges.get(from) ?? []), to.replace(/\.js$/, '.ts')]);
  }
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) throw new Error(`A cycle: ${[...path, file].join(' → ')}`);
    if (done.has(file)) return;
    for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of edges.keys()) visit(file, []);
});

test('only the process edge touches the environment and the process', () => {
  const edge = (file: string) =>
    file.startsWith('src/cli/') ||
    ['src/main.ts', 'src/graphql/schema/emit-schema.ts'].includes(file);
  const bad = FILES.filter((file) => !edge(file)).filter((file) =>
    /process\.(env|exit|on)\b/.test(readFileSync(file, 'utf8')),
  );
  expect(bad).toEqual([]);
});

/** Places that take time or randomness from the process itself, with the reason. */
const OWN_TIME: Readonly<Record<string, string>> = {
  'src/lock/step-queue.ts process.nextTick':
    'runs after all microtasks of a turn: one command for all steps',
};

const OWN_TIME_NAMES = new Set([
  ...['performance.now', 'Date.now', 'Math.random', 'process.nextTick'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'randomUUID', 'randomBytes'],
]);

test('time and randomness come from outside', () => {
  const rooms = /^src\/(inventory|lock|redis|changes|rate-limit|metrics|fleet|database\/writing)\//;
  const files = FILES.filter((file) => rooms.test(file));
  const places = files.flatMap((file) =>
    namesUsedIn(file)
      .filter((name) => OWN_TIME_NAMES.has(name))
      .map((name) => `${file} ${name}`),
  );
  expect(places.filter((place) => OWN_TIME[place] === undefined)).toEqual([]);
});

/** `setTimeout` and `performance.now`, also as `globalThis.setTimeout`, without what the file declares itself. */
function namesUsedIn(file: string): string[] {
  const source = parse(file);
  const declared = new Set<string>();
  const used: string[] = [];
  visitAll(source, (node) => {
    const { parent } = node;
    if (ts.isPropertyAccessExpression(node)) {
      used.push(node.getText(source).replace(/^(globalThis|crypto|timers)\./, ''));
    } else if (ts.isIdentifier(node)) {
      if (ts.isParameter(parent) || ts.isVariableDeclaration(parent)) {
        if (parent.name === node) declared.add(node.text);
        else used.push(node.text);
      } else if (!ts.isPropertyAccessExpression(parent) && !isMemberName(node)) {
        used.push(node.text);
      }
    }
  });
  return used.filter((name) => !declared.has(name));
}

/** Whether it is the name of a member of a type, class or object. A shorthand's name is its value, too. */
function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isShorthandPropertyAssignment(parent)) return false;
  const isMember =
    ts.isTypeElement(parent) || ts.isClassElement(parent) || ts.isObjectLiteralElement(parent);
  return isMember && parent.name === node;
}

test('only one file computes the pauses between retries', () => {
  const doubling = /Math\.min\([^;]*Ms \* 2(?!\d)/i;
  const files = [...FILES, ...OUTSIDE].filter((file) => doubling.test(readFileSync(file, 'utf8')));
  expect(files).toEqual(['src/time/backoff.ts']);
});

const FUNCTION_LINES_MAX = 70;

/** A migration is never edited once it has been applied anywhere. */
const LONG_FUNCTIONS = ['src/database/migrations/2026.11.24T00.00.00.stock.ts'];

test('no function is longer than 70 lines', () => {
  const files = [...FILES, ...OUTSIDE, ...CONSOLE].filter((file) => !LONG_FUNCTIONS.includes(file));
  expect(files.flatMap(longFunctionsOf)).toEqual([]);
});

function longFunctionsOf(file: string): string[] {
  const source = parse(file);
  const long: string[] = [];
  visitAll(source, (node) => {
    if (!ts.isFunctionLike(node) || !('body' in node) || !node.body) return;
    const first = source.getLineAndCharacterOfPosition(node.getStart(source)).line;
    const last = source.getLineAndCharacterOfPosition(node.end).line;
    const lines = last - first + 1;
    if (lines > FUNCTION_LINES_MAX) long.push(`${file}:${first + 1} has ${lines} lines`);
  });
  return long;
}

function parse(file: string): ts.SourceFile {
  return ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
}

function visitAll(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => {
    visitAll(child, visit);
  });
}

test('no file is longer than 500 lines, no line than 120 characters', () => {
  const long = OURS.flatMap((file) => {
    const lines = readFileSync(file, 'utf8').split('\n');
    const wide = lines.findIndex((line) => line.length > 120);
    return lines.length > 500 ? [file] : wide >= 0 ? [`${file}:${wide + 1}`] : [];
  });
  expect(long).toEqual([]);
});

test('no drawer is called utils, helpers, common, shared or types', () => {
  const drawer = /(^|\/)(utils?|helpers?|common|shared|lib|types|interfaces|constants)(\/|\.ts$)/;
  expect(OURS.filter((file) => drawer.test(file))).toEqual([]);
});

test('the lock has the only barrel', () => {
  expect(FILES.filter((file) => file.endsWith('/index.ts'))).toEqual(['src/lock/index.ts']);
});

test('every script of the lock says what it does, takes and returns', () => {
  const scripts = listFiles('src/lock').filter((file) => file.endsWith('.lua'));
  expect(scripts.length).toBeGreaterThan(0);
  for (const script of scripts) {
    const header = readFileSync(script, 'utf8').split('\n\n')[0] ?? '';
    for (const word of ['KEYS', 'ARGV', 'Returns']) expect(`${script}: ${header}`).toContain(word);
  }
});

test('the image and the benchmark run Node as `npm start` does', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    scripts: Record<'start' | 'bench', string>;
  };
  const flags = scripts.start.split(' ').slice(1, -2);
  expect(scripts.start).toBe(['node', ...flags, 'dist/src/cli/stockade.js', 'start'].join(' '));
  expect(scripts.bench).toBe(['node', ...flags, 'dist/bench/main.js'].join(' '));
  const command = JSON.stringify([
    'node',
    ...flags,
    'dist/src/cli/stockade.js',
    'start',
  ]).replaceAll(',', ', ');
  expect(readFileSync('Dockerfile', 'utf8')).toContain(`\nCMD ${command}\n`);
});

test('every file begins with what it is for', () => {
  const header = /^(#!.*\n)?\/\*\*/;
  const silent = [...FILES, ...CONSOLE].filter((file) => !header.test(readFileSync(file, 'utf8')));
  expect(silent).toEqual([]);
});

test('no test is left out or alone', () => {
  const bad = /\b(describe|test|it)\.(only|skip|todo)\b|\bx(it|describe|test)\(/;
  expect(OURS.filter((file) => bad.test(readFileSync(file, 'utf8')))).toEqual([]);
});

test('[R17] SKIP LOCKED is used only to name the locked rows, never to count', () => {
  const skipping = FILES.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/SKIP\s+LOCKED/gi)].map(() => file),
  );
  expect(skipping).toEqual(['src/database/writing/stock-statements.ts']);
});
