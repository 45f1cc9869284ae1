/**
 * Titles carry the marks of what they show, as in `[B5] a line that the database rejects fails alone`. The tables of
 * test/README.md and the numbered invariants of the sources name tests; what they name must be there.
 */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const MARK = /\[([BFR]\d+)\]/g;

interface TestFile {
  readonly path: string;
  /** Of each test and each describe, after the titles of those around it. */
  readonly titles: readonly string[];
}

function listFiles(folder: string, ending: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return listFiles(path, ending);
    return path.endsWith(ending) ? [path] : [];
  });
}

function readTestFile(path: string): TestFile {
  const source = ts.createSourceFile(
    path,
    readFileSync(path, 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  );
  const titles: string[] = [];
  const visit = (node: ts.Node, around: string): void => {
    const title = titleOf(node);
    const inside = title === null ? around : `${around} ${title}`.trim();
    if (title !== null) titles.push(inside);
    ts.forEachChild(node, (child) => {
      visit(child, inside);
    });
  };
  visit(source, '');
  return { path, titles };
}

/** Of `test('…')`, `describe.each(…)('…')` and the like; null of any other node. */
function titleOf(node: ts.Node): string | null {
  if (!ts.isCallExpression(node)) return null;
  const callee = ts.isCallExpression(node.expression)
    ? node.expression.expression
    : node.expression;
  if (!/^(test|it|describe)(\.each)?$/.test(callee.getText())) return null;
  const [title] = node.arguments;
  if (!title) return null;
  return ts.isStringLiteralLike(title) || ts.isTemplateExpression(title)
    ? title.getText().slice(1, -1)
    : null;
}

const TESTS = listFiles('test', '.test.ts').map(readTestFile);
/** The contracts of the stores are suites, too. */
const SUITES = [
  ...TESTS,
  readTestFile('test/support/stock-store-contract.ts'),
  readTestFile('test/support/delegated-writes-contract.ts'),
];

/** The marks of a file's titles, each with the file's name as the tables have it. */
const MARKED = TESTS.flatMap(({ path, titles }) =>
  [
    ...new Set(titles.flatMap((title) => [...title.matchAll(MARK)].map(([, mark = '']) => mark))),
  ].map((mark) => ({ mark, file: path.replace(/^test\/(.*)\.test\.ts$/, '$1') })),
);

/** The rows of the tables in test/README.md: a mark and the files in the last column. */
const ROWS = readFileSync('test/README.md', 'utf8')
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter(([, mark = '']) => /^[BFR]\d+$/.test(mark))
  .map((cells) => ({
    mark: cells[1] ?? '',
    files: [...(cells.at(-2) ?? '').matchAll(/`([^`]+)`/g)].map(([, file = '']) => file),
  }));

test('the tables of test/README.md have every mark once, and every mark of a title', () => {
  const expected = (letter: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${letter}${i + 1}`);
  const all = [...expected('F', 20), ...expected('B', 17), ...expected('R', 19)];
  expect(ROWS.map(({ mark }) => mark)).toEqual(all);
  expect(MARKED.filter(({ mark }) => !all.includes(mark))).toEqual([]);
});

test.each(ROWS)('the files that test/README.md names for $mark are those with its mark', (row) => {
  const marked = MARKED.filter(({ mark }) => mark === row.mark).map(({ file }) => file);
  expect(marked.length).toBeGreaterThan(0);
  expect([...row.files].sort()).toEqual([...marked].sort());
});

test('marks stand at the beginning of their titles', () => {
  const misplaced = TESTS.flatMap(({ path }) =>
    [...readFileSync(path, 'utf8').matchAll(/^.*\[[BFR]\d+\].*$/gm)]
      .map(([line]) => line.trim())
      .filter((line) => !/['"`](\[[BFR]\d+\] )+[^[]/.test(line))
      .map((line) => `${path}: ${line}`),
  );
  expect(misplaced).toEqual([]);
});

interface Reference {
  readonly source: string;
  readonly file: string;
  readonly words: string;
}

/** In comments: a test file, then words of titles in quotes, as in `(test/unit/a.test.ts: "the words", "more")`. */
function referencesOf(source: string): Reference[] {
  const text = readFileSync(source, 'utf8')
    .replace(/\n\s*(\*|\/\/) ?/g, ' ')
    .replace(/\s+/g, ' ');
  const named = text.matchAll(/\b(test\/[\w./-]*\w)[:,]? ((?:(?:, |and |, and )?"[^"]+" ?)+)/g);
  return [...named].flatMap(([, path = '', quoted = '']) => {
    const file = [path, `${path}.ts`, `${path}.test.ts`].find((name) => existsSync(name)) ?? path;
    return [...quoted.matchAll(/"([^"]+)"/g)].map(([, words = '']) => ({ source, file, words }));
  });
}

const SOURCES = listFiles('src', '.ts');

test('a source names only test files that exist', () => {
  const missing = SOURCES.flatMap((source) =>
    [...readFileSync(source, 'utf8').matchAll(/\btest\/[\w/-]+\.[\w.]*\w/g)]
      .map(([path]) => path)
      .filter((path) => !existsSync(path))
      .map((path) => `${source}: ${path}`),
  );
  expect(missing).toEqual([]);
});

test('the titles that a source quotes are titles of the test file that it names', () => {
  const references = SOURCES.flatMap(referencesOf);
  expect(references.length).toBeGreaterThan(15);
  const wrong = references.filter(({ file, words }) => {
    const titles = SUITES.find(({ path }) => path === file)?.titles ?? [];
    return !titles.some((title) => title.replace(MARK, '').replace(/\s+/g, ' ').includes(words));
  });
  expect(wrong).toEqual([]);
});

/** Each invariant of these files names at least one test that shows it. */
test.each([
  'src/inventory/lanes/lane.ts',
  'src/inventory/lanes/group-commit.ts',
  'src/database/writing/attempt.ts',
  'src/lock/key-lock.ts',
  'src/lock/redis-gateway.ts',
])('every invariant of %s names its test', (source) => {
  const header = readFileSync(source, 'utf8').split('*/')[0] ?? '';
  const invariants = (header.split(/^ \* Invariants/m)[1] ?? '').split(/^ \* \d+\. /m).slice(1);
  expect(invariants.length).toBeGreaterThan(3);
  for (const invariant of invariants) expect(invariant).toMatch(/\btest\/[\w./-]+\.ts:\s[\s*]*"/);
});
