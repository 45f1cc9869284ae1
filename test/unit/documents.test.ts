/**
 * Paths, links and anchors in the documents must exist. Documents, and the comments and texts of the sources, use no
 * word that stands for an unnamed actor.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import ts from 'typescript';

const FOLDERS = [
  '.ci',
  'bench',
  'client',
  'deploy',
  'docs',
  'schema',
  'scripts',
  'services',
  'src',
  'test',
];
const FILES = [...filesIn('.'), ...FOLDERS.flatMap(filesBelow)];
const PAGES = FILES.filter((file) => file.endsWith('.md'));

function filesIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => statSync(join(folder, name)).isFile());
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

/** Paths from the root of the repository, wherever they stand: in prose, code or commands. */
const ROOT_PATH =
  /(?<![\w./@-])(?:\.ci|bench|client|docs|schema|scripts|services|src|test)\/[\w./-]*/g;
/** Code within a line. */
const INLINE_CODE = /`([^`\n]+)`/g;
const FILE_NAME = /^[\w.-]+\.(?:graphql|json|lua|md|mjs|svg|ts|yml)$/;

function missingPaths(page: string, text: string): string[] {
  const fromRoot = [...text.matchAll(ROOT_PATH)].map(([path]) => path.replace(/[./]+$/, ''));
  const code = [...withoutBlocks(text).matchAll(INLINE_CODE)].map(([, inline = '']) => inline);
  return [
    // A command may leave out the end of a test's name.
    ...fromRoot.filter((path) => !existsSync(path) && !existsSync(`${path}.test.ts`)),
    ...code.filter((name) => isShortPath(page, name) && !standsBeside(page, name)),
    ...code.filter((name) => FILE_NAME.test(name) && !FILES.some((f) => basename(f) === name)),
  ];
}

/** `faults/stopping` in test/README.md: begins with a folder beside the page. */
function isShortPath(page: string, name: string): boolean {
  const [folder = '', ...rest] = name.split('/');
  const isPath = rest.length > 0 && /^\w[\w./-]*$/.test(name);
  return isPath && !FOLDERS.includes(folder) && existsSync(join(dirname(page), folder));
}

/** The folder and the file's name are enough: `faults/chaos` is test/faults/lock/chaos.test.ts. */
function standsBeside(page: string, name: string): boolean {
  if (existsSync(join(dirname(page), name))) return true;
  const folder = `${join(dirname(page), name.split('/')[0] ?? '')}/`;
  const ends = ['', '.ts', '.test.ts'].map((end) => basename(name) + end);
  return FILES.some((file) => file.startsWith(folder) && ends.includes(basename(file)));
}

function brokenLinks(page: string, text: string): string[] {
  const links = [...withoutBlocks(text).matchAll(/\]\((?!\w+:)([^)\s]+)\)/g)];
  return links.flatMap(([, link = '']) => {
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : normalize(join(dirname(page), path));
    if (!existsSync(target)) return [link];
    if (anchor === undefined) return [];
    return anchorsOf(readFileSync(target, 'utf8')).includes(anchor) ? [] : [link];
  });
}

/** As GitHub makes them. */
function anchorsOf(text: string): string[] {
  return [...withoutBlocks(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function withoutBlocks(text: string): string {
  return text.replaceAll(/^```[^]*?^```$/gm, '');
}

/** Words in place of an actor: a caller, a client, a process, a transaction. */
const NO_ACTOR = /\b(?:whoever|whom|nobody|somebody|everybody|he|his|him)\b/gi;

function wordsWithoutActor(text: string): string[] {
  const prose = withoutBlocks(text).replaceAll(INLINE_CODE, '');
  return [...prose.matchAll(NO_ACTOR)].map(([word]) => word);
}

const SOURCES = FILES.filter((file) => /^(?:client|src)\/.*\.(?:lua|ts)$/.test(file));

function wordsWithoutActorInSource(file: string, text: string): string[] {
  const prose = file.endsWith('.lua') ? luaComments(text) : commentsAndTexts(text);
  return prose.flatMap((words) => [...words.matchAll(NO_ACTOR)].map(([word]) => word));
}

function luaComments(text: string): string[] {
  return [...text.matchAll(/--.*$/gm)].map(([comment]) => comment);
}

/** The comments and the string literals of TypeScript. */
function commentsAndTexts(text: string): string[] {
  const source = ts.createSourceFile('source.ts', text, ts.ScriptTarget.Latest);
  const prose: string[] = [];
  const visit = (node: ts.Node): void => {
    const children = node.getChildren(source);
    if (children.length > 0) {
      children.forEach(visit);
      return;
    }
    // Comments and blanks stand before the token.
    prose.push(text.slice(node.pos, node.getStart(source)));
    if (ts.isStringLiteralLike(node) || ts.isTemplateLiteralToken(node)) prose.push(node.text);
  };
  visit(source);
  return prose;
}

test('the pages are found', () => {
  expect(PAGES).toEqual(
    expect.arrayContaining([
      ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'docs/deducting.md'],
      ...['docs/decisions/0006-lanes.md', 'src/lock/README.md', 'bench/README.md'],
    ]),
  );
});

test.each(PAGES)('%s names paths that exist', (page) => {
  expect(missingPaths(page, readFileSync(page, 'utf8'))).toEqual([]);
});

test.each(PAGES)('%s links to pages and headings that exist', (page) => {
  expect(brokenLinks(page, readFileSync(page, 'utf8'))).toEqual([]);
});

test.each(PAGES.filter((page) => !page.startsWith('test/')))('%s names its actors', (page) => {
  expect(wordsWithoutActor(readFileSync(page, 'utf8'))).toEqual([]);
});

test.each(SOURCES)('%s names its actors', (file) => {
  expect(wordsWithoutActorInSource(file, readFileSync(file, 'utf8'))).toEqual([]);
});

test('a path that does not exist is found', () => {
  const text = [
    'Read `src/app.ts`, `services/`, `tidy.test.ts`, `faults/stopping` and `either/or`.',
    '```sh',
    'npm test -- test/unit/gone.test.ts',
    '```',
    'See src/gone.ts, `gone.ts` and `faults/gone`.',
  ].join('\n');
  expect(missingPaths('test/README.md', text)).toEqual([
    ...['test/unit/gone.test.ts', 'src/gone.ts', 'faults/gone', 'gone.ts'],
  ]);
});

test('a link to a page or a heading that does not exist is found', () => {
  const text = [
    '[app](../src/app.ts) [gone](gone.md) [out](https://example.org/gone)',
    '[map](../ARCHITECTURE.md#the-map) [no heading](../README.md#gone) [here](#gone)',
  ].join('\n');
  expect(brokenLinks('docs/README.md', text)).toEqual(['gone.md', '../README.md#gone', '#gone']);
});

test('a word in place of an actor is found in prose, and only there', () => {
  expect(wordsWithoutActor('Nobody waits.\n```sh\necho nobody\n```\n`somebody`')).toEqual([
    'Nobody',
  ]);
});

test('a word in place of an actor is found in comments and texts of sources, and only there', () => {
  const source = [
    '/** His lock. */',
    'const he = `nobody ${him /* whom */} somebody`; // Whoever waits',
    "throw new Error('everybody');",
  ].join('\n');
  expect(wordsWithoutActorInSource('a.ts', source).sort()).toEqual(
    ['His', 'Whoever', 'everybody', 'nobody', 'somebody', 'whom'].sort(),
  );
  expect(wordsWithoutActorInSource('a.lua', "-- Nobody.\nlocal he = 'him'")).toEqual(['Nobody']);
});

test('the decisions are numbered one after another, in their names and in their headings', () => {
  const names = readdirSync('docs/decisions').filter((name) => name.endsWith('.md'));
  const numbers = names.sort().map((name) => {
    const text = readFileSync(join('docs/decisions', name), 'utf8');
    return [Number(name.slice(0, 4)), Number(/^# (\d+)\./.exec(text)?.[1])];
  });
  expect(numbers).toEqual(numbers.map((_, i) => [i + 1, i + 1]));
});
