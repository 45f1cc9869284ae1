/** What is shipped: the packages that it names, and the image that it runs in. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import semver from 'semver';

interface Package {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly bin?: string | Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
}

interface Locked {
  readonly optional?: boolean;
  readonly link?: boolean;
  readonly engines?: { readonly node?: string };
}

/** Optional ones, which are for other platforms as well, are not counted. */
const PACKAGES_MAX = 950;
/** The oldest one that is supported, and one of each later line with long-term support. */
const NODE_VERSIONS = ['20.19.0', '22.20.0', '24.10.0'];

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
  const configurations = ['jest.config.mjs', 'eslint.config.mjs'];
  const named = configurations.map((file) => readFileSync(file, 'utf8')).join('\n');
  const commands = Object.values(ROOT.scripts ?? {}).join('\n');
  const isUsed = (name: string): boolean => {
    if (imported.has(name) || named.includes(name) || commands.includes(`${name}/`)) return true;
    // The types of a package or of Node; the compiler behind a transform; a plug-in that is named without its prefix.
    const [, typed] = /^@types\/(.+)$/.exec(name) ?? [];
    if (typed !== undefined) return typed === 'node' || typed === 'jest' || imported.has(typed);
    if (name === '@swc/core') return named.includes('@swc/jest');
    const { bin = {} } = readPackage(`node_modules/${name}/package.json`);
    const programs = typeof bin === 'string' ? [name] : Object.keys(bin);
    return programs.some((program) => new RegExp(`\\b${program}\\b`).test(commands));
  };
  const unused = Object.keys(ROOT.devDependencies ?? {}).filter((name) => !isUsed(name));
  expect(unused).toEqual([]);
});

describe('the tools, which are installed on demand', () => {
  const { dependencies = {} } = readPackage('scripts/tools/package.json');

  test('are packages of exact versions, none of which the project installs', () => {
    expect(Object.keys(dependencies)).not.toEqual([]);
    for (const version of Object.values(dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    const installed = new Set(Object.keys({ ...ROOT.dependencies, ...ROOT.devDependencies }));
    expect(Object.keys(dependencies).filter((name) => installed.has(name))).toEqual([]);
  });

  test('are named where they are used', () => {
    const users = [
      ...['package.json', 'codegen.yml', '.ci/package.mjs', 'docs/clients.md'],
      'test/integration/client/documented.test.ts',
      'test/integration/graphql/supergraph.test.ts',
    ];
    const texts = users.map((file) => readFileSync(file, 'utf8')).join('\n');
    const unused = Object.keys(dependencies).filter((name) => {
      // A plug-in of graphql-codegen is named without its prefix, its program without its package.
      const [, short = name] = /^@graphql-codegen\/(.+)$/.exec(name) ?? [];
      return !texts.includes(name) && !texts.includes(short);
    });
    expect(unused).toEqual([]);
  });

  test('have no graphql of their own, which would refuse the schemas of the project', () => {
    const { packages } = JSON.parse(readFileSync('scripts/tools/package-lock.json', 'utf8')) as {
      readonly packages: Readonly<Record<string, { readonly peer?: boolean }>>;
    };
    const own = Object.keys(packages).filter((path) => path.endsWith('node_modules/graphql'));
    expect(own.filter((path) => packages[path]?.peer !== true)).toEqual([]);
    expect(readFileSync('scripts/tools.mjs', 'utf8')).toContain('--omit=peer');
  });
});

test('the packages of a checkout are few, and npm warns of none of them on a supported Node', () => {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    readonly packages: Readonly<Record<string, Locked>>;
  };
  const installed = Object.entries(packages).filter(
    ([path, { optional, link }]) => path.startsWith('node_modules/') && !optional && !link,
  );
  expect(installed.length).toBeLessThanOrEqual(PACKAGES_MAX);
  const warnedOf = installed.filter(([, { engines: { node = '*' } = {} }]) =>
    NODE_VERSIONS.some((version) => !semver.satisfies(version, node)),
  );
  expect(warnedOf.map(([path]) => path)).toEqual([]);
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
