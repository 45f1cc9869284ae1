/** What is shipped: the packages that it names, and the image that it runs in. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

interface Package {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly bin?: string | Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
}

const ROOT = readPackage('package.json');

function readPackage(file: string): Package {
  return JSON.parse(readFileSync(file, 'utf8')) as Package;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && /\.(?:ts|mjs)$/.test(path));
}

/** Names of packages in imports, also in those of types and at run time. */
function importedBy(files: readonly string[]): Set<string> {
  const pattern = /(?:from|import)\s*\(?\s*'((?:@[\w.-]+\/)?[\w.-]+)(?:\/[^']*)?'/g;
  const texts = files.map((file) => readFileSync(file, 'utf8'));
  return new Set(texts.flatMap((text) => [...text.matchAll(pattern)].map(([, name = '']) => name)));
}

/** Loaded by another package by its name, or needed by it as a peer. */
const NEEDED_BY: Readonly<Record<string, string>> = {
  mysql2: 'sequelize',
  'graphql-scalars': 'type-graphql',
};

test('every dependency is imported by the server, or needed by a package that is', () => {
  const imported = importedBy([...filesBelow('src'), ...filesBelow('client')]);
  const unused = Object.keys(ROOT.dependencies ?? {}).filter((name) => {
    const user = NEEDED_BY[name];
    return !imported.has(name) && (user === undefined || !imported.has(user));
  });
  expect(unused).toEqual([]);
  const { peerDependencies } = readPackage('node_modules/type-graphql/package.json');
  expect(Object.keys(peerDependencies ?? {})).toContain('graphql-scalars');
});

test('what the server imports is a dependency, and no package of development', () => {
  const known = new Set(Object.keys(ROOT.dependencies ?? {}));
  const missing = [...importedBy([...filesBelow('src'), ...filesBelow('client')])].filter(
    (name) => !known.has(name) && !name.startsWith('node:') && !name.startsWith('.'),
  );
  expect(missing).toEqual([]);
});

test('every development package is imported, run by a script, or named in a configuration', () => {
  const tools = ['.ci', 'bench', 'client', 'scripts', 'services', 'src', 'test'].flatMap(
    filesBelow,
  );
  const imported = importedBy([...tools, 'eslint.config.mjs', 'jest.config.mjs']);
  const configurations = ['codegen.yml', 'jest.config.mjs', 'eslint.config.mjs'];
  // The programs of this page are run with the packages that they name.
  configurations.push('docs/clients.md', 'test/integration/client/documented.test.ts');
  const named = configurations.map((file) => readFileSync(file, 'utf8')).join('\n');
  const commands = Object.values(ROOT.scripts ?? {}).join('\n');
  const isUsed = (name: string): boolean => {
    if (imported.has(name) || named.includes(name) || commands.includes(`${name}/`)) return true;
    // The types of a package or of Node; the compiler behind a transform; a plug-in that is named without its prefix.
    const [, typed] = /^@types\/(.+)$/.exec(name) ?? [];
    if (typed !== undefined) return typed === 'node' || typed === 'jest' || imported.has(typed);
    if (name === '@swc/core') return named.includes('@swc/jest');
    if (name.startsWith('@graphql-codegen/') && named.includes(name.split('/')[1] ?? name)) {
      return true;
    }
    const { bin = {} } = readPackage(`node_modules/${name}/package.json`);
    const programs = typeof bin === 'string' ? [name] : Object.keys(bin);
    return programs.some((program) => new RegExp(`\\b${program}\\b`).test(commands));
  };
  const unused = Object.keys(ROOT.devDependencies ?? {}).filter((name) => !isUsed(name));
  expect(unused).toEqual([]);
});

test('the image has an exact base, a user by number, a health check, and runs no install scripts', () => {
  const dockerfile = readFileSync('Dockerfile', 'utf8');
  expect(dockerfile).toMatch(/^ARG NODE_IMAGE=node:\d+\.\d+\.\d+-[a-z]+-slim$/m);
  const bases = [...dockerfile.matchAll(/^FROM (\S+)(?: AS (\w+))?$/gm)];
  const stages = new Set(bases.map(([, , stage]) => stage));
  const outside = bases.map(([, base = '']) => base).filter((base) => !stages.has(base));
  expect(new Set(outside)).toEqual(new Set(['${NODE_IMAGE}']));
  expect(dockerfile).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m);
  expect(dockerfile).toMatch(/^HEALTHCHECK .*\\\n.*\/live/m);
  const installs = [...dockerfile.matchAll(/\bnpm ci\b.*$/gm)].map(([line]) => line);
  expect(installs.every((line) => line.includes('--ignore-scripts'))).toBe(true);
});
