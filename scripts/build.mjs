/**
 * `npm run build`: builds what has changed since the last build. A part is skipped where the contents of its inputs are
 * those that its output was built from, so a start of the development server waits for no compiler.
 *
 *   node scripts/build.mjs [--force]
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * `inputs` are files and folders; `outputs` are what must be there, besides the stamp, for a part to be skipped.
 * A part of which one changes is built as a whole.
 */
const PARTS = [
  {
    name: 'server',
    inputs: [
      'src',
      'client',
      'services',
      'bench',
      'tsconfig.json',
      'tsconfig.build.json',
      'package.json',
    ],
    outputs: ['dist/src/cli/stockade.js', 'dist/src/lock/lua'],
    build: () => {
      // What the compiler remembers of its last run says nothing of files that were deleted since.
      if (!existsSync('dist/src/cli/stockade.js')) rmSync('dist/.tsbuildinfo', { force: true });
      run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json');
      // The lock's Lua scripts lie beside the compiled code that reads them; the compiler does not copy them.
      cpSync('src/lock/lua', 'dist/src/lock/lua', { recursive: true });
    },
  },
  {
    name: 'console',
    inputs: ['console', 'schema', 'scripts/build-console.mjs', 'package-lock.json'],
    outputs: ['dist/console/files.json', 'dist/console/documents.json'],
    build: () => {
      if (existsSync('console')) run('scripts/build-console.mjs');
    },
  },
];

const UNBUILT = /(?:^|\/)(?:node_modules|dist|results|\.[^/]+)$/;

function run(program, ...args) {
  execFileSync(process.execPath, [program, ...args], { stdio: 'inherit' });
}

function filesOf(path) {
  if (!existsSync(path) || UNBUILT.test(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesOf(join(path, name)));
}

function digestOf({ inputs }) {
  const hash = createHash('sha256');
  for (const file of ['scripts/build.mjs', ...inputs.flatMap(filesOf)]) {
    hash.update(`${file}\0`).update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

function isBuilt({ outputs }, stamp, digest) {
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== digest) return false;
  return outputs.every((path) => existsSync(path));
}

for (const part of PARTS) {
  const stamp = `dist/.built-${part.name}`;
  const digest = digestOf(part);
  if (!process.argv.includes('--force') && isBuilt(part, stamp, digest)) continue;
  rmSync(stamp, { force: true });
  part.build();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, digest);
}
