/** `npm run build` on a small copy of the project: it compiles what has changed, and nothing else. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'stockade-build-'));
const SOURCE = join(folder, 'src/cli/stockade.ts');
const BUILT = join(folder, 'dist/src/cli/stockade.js');
const SCRIPT = join(folder, 'dist/src/lock/lua/acquire.lua');

beforeAll(() => {
  for (const name of ['src/cli', 'src/lock/lua', 'scripts']) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  for (const name of [
    'tsconfig.json',
    'tsconfig.build.json',
    'package.json',
    'scripts/build.mjs',
  ]) {
    cpSync(name, join(folder, name));
  }
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  writeFileSync(SOURCE, "console.log('one');\n");
  writeFileSync(join(folder, 'src/lock/lua/acquire.lua'), '-- one\n');
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function build(...args: string[]): void {
  execFileSync(process.execPath, ['scripts/build.mjs', ...args], { cwd: folder, stdio: 'pipe' });
}

/** Changed by hand, the output shows whether it was written anew. */
function mark(): void {
  appendFileSync(BUILT, '// by hand\n');
}

function isMarked(): boolean {
  return readFileSync(BUILT, 'utf8').includes('// by hand');
}

test('compiles, and copies what the compiler does not', () => {
  build();
  expect(readFileSync(BUILT, 'utf8')).toContain("'one'");
  expect(readFileSync(SCRIPT, 'utf8')).toBe('-- one\n');
});

test('does nothing where nothing has changed, and all of it where it is forced to', () => {
  mark();
  build();
  expect(isMarked()).toBe(true);
  rmSync(BUILT);
  build('--force');
  expect(isMarked()).toBe(false);
});

test('builds what is newer, of which the output is gone, or of which the last build failed', () => {
  writeFileSync(SOURCE, "console.log('two');\n");
  build();
  expect(readFileSync(BUILT, 'utf8')).toContain("'two'");
  rmSync(join(folder, 'dist/src'), { recursive: true });
  build();
  expect(existsSync(BUILT) && existsSync(SCRIPT)).toBe(true);
  writeFileSync(SOURCE, "console.log('three') as;\n");
  expect(() => {
    build();
  }).toThrow('Command failed');
  writeFileSync(SOURCE, "console.log('two');\n");
  build();
  expect(readFileSync(BUILT, 'utf8')).toContain("'two'");
});
