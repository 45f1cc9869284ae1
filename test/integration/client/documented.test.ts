/** The programs of docs/clients.md, run as they stand, from top to bottom, with the libraries that they are about. */
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { addSampleCatalogue } from '../../../services/sample-catalogue.js';
import { post } from '../../support/graphql-client.js';
import { heldOnce } from '../../support/held-once.js';
import { toolsFolder } from '../../support/tools-folder.js';
import { useApp } from '../../support/use-app.js';

/** The first run installs the libraries. */
const INSTALL_TIMEOUT_MS = 360_000;

interface Block {
  readonly section: string;
  readonly language: string;
  /** Null: it is run. */
  readonly file: string | null;
  readonly text: string;
}

const PAGE = readFileSync('docs/clients.md', 'utf8');
const SECTIONS = PAGE.split(/^## /m).slice(1);
const BLOCKS: readonly Block[] = SECTIONS.flatMap((text) => {
  const [section = ''] = text.split('\n', 1);
  return [...text.matchAll(/^```(\w+)(?: (\S+))?\n([^]*?)^```$/gm)].map(
    ([, language = '', file = null, code = '']) => ({ section, language, file, text: code }),
  );
});

const run = promisify(execFile);
const app = useApp();
let folder: string;

beforeAll(async () => {
  await addSampleCatalogue(
    ({ query, variables }) => post(app.graphqlUrl, JSON.stringify({ query, variables })),
    AbortSignal.timeout(60_000),
  );
  // Inside the project, so that its packages are found, and itself by its name.
  folder = mkdtempSync(join('dist', 'documented-'));
  symlinkSync(join(toolsFolder(), 'node_modules'), join(folder, 'node_modules'));
  copyFileSync('schema/schema.graphql', join(folder, 'schema.graphql'));
}, INSTALL_TIMEOUT_MS);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, text: string): void {
  const { host } = new URL(app.graphqlUrl);
  writeFileSync(join(folder, name), text.replaceAll('localhost:4000', host));
}

async function tool(program: string, ...args: readonly string[]): Promise<void> {
  const command = [resolve(program), ...args];
  // A compiler writes its complaints to its output.
  await run(process.execPath, command, { cwd: folder }).catch((error: unknown) => {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string };
    throw new Error(`${program}: ${stdout}${stderr}`);
  });
}

/** Runs a program, or what comes before one that needs more than its own file. */
async function outputOf({ section, language, file, text }: Block): Promise<string> {
  if (section === 'Relay')
    await tool(join(folder, 'node_modules/relay-compiler/cli.js'), 'relay.config.json');
  if (section === 'graphql-codegen') {
    const codegen = join(folder, 'node_modules/@graphql-codegen/cli/esm/bin.js');
    await tool(codegen, '--config', 'codegen.yml');
    const options = [
      '--strict',
      '--target',
      'es2022',
      '--skipLibCheck',
      '--types',
      'node',
      '--ignoreConfig',
    ];
    await tool('node_modules/typescript/bin/tsc', ...options, '--module', 'nodenext', 'program.ts');
    const { stdout } = await run(process.execPath, ['program.js'], { cwd: folder });
    return stdout;
  }
  if (language === 'sh') {
    write('program.sh', text);
    return (await run('sh', ['program.sh'], { cwd: folder })).stdout;
  }
  write('program.mjs', text);
  expect(file).toBeNull();
  return (await run(process.execPath, ['program.mjs'], { cwd: folder })).stdout;
}

const PROGRAMS = BLOCKS.flatMap((block, place) => {
  const next = BLOCKS[place + 1];
  return next?.language === 'text' ? [{ block, printed: next.text }] : [];
});

test('every section has a program, and every program shows what it prints', () => {
  const sections = SECTIONS.map((text) => text.split('\n', 1)[0]);
  expect(new Set(PROGRAMS.map(({ block }) => block.section))).toEqual(new Set(sections));
  const programs = BLOCKS.filter(({ language, file }) => file === null && language !== 'text');
  const shown = PROGRAMS.filter(({ block }) => block.file === null);
  expect(shown.map(({ block }) => block)).toEqual(programs);
});

test.each(PROGRAMS.map(({ block, printed }) => ({ section: block.section, block, printed })))(
  '$section',
  async ({ section, block, printed }) => {
    for (const { section: of, file, text } of BLOCKS) if (of === section && file) write(file, text);
    let output = '';
    await heldOnce(3, async () => {
      output = await outputOf(block);
      const [, first] = TWO_READS.exec(output) ?? [];
      if (first === undefined || TWO_READS.test(printed)) return true;
      await setFlashSale(Number(first));
      return false;
    });
    expect(output).toBe(printed);
  },
);

/**
 * What a program prints whose change comes later than a second after its first read, in a pause of the machine: the
 * client then reads once more before it tells the change, and the program has deducted twice.
 */
const TWO_READS = /^read (\d+)\nread \d+\n/;

async function setFlashSale(quantity: number): Promise<void> {
  const query = 'mutation ($input: SetStockInput!) { setStock(input: $input) { __typename } }';
  const input = { productId: 'flash-sale', quantity, changeFromQuantity: null };
  const { data } = await post(app.graphqlUrl, JSON.stringify({ query, variables: { input } }));
  expect(data).toEqual({ setStock: { __typename: 'StockSet' } });
}
