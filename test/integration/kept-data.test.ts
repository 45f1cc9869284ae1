/** Data that `stockade dev --keep` keeps: of one kind of server, and had by one process at a time. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bringServices } from '../../services/services.js';
import { startProgram, type StartedProgram } from '../support/started-program.js';

const toDiscard: StartedProgram[] = [];

afterEach(() => {
  for (const program of toDiscard.splice(0)) program.discard();
});

const PROCESSES = 4;
const PROGRAM = `
  const { existsSync } = await import('node:fs');
  const { openKeptData } = await import('./dist/services/kept-data.js');
  const [parent, go] = process.argv.slice(1);
  console.log('waits');
  while (!existsSync(go));
  const said = await openKeptData(parent, { flavour: 'mysql' }).then(
    () => 'has them',
    (error) => 'is refused: ' + error.message,
  );
  console.log(said);
  setInterval(() => undefined, 1000);`;

test('data are given to no server of another kind, which would make an empty database', async () => {
  const keepIn = mkdtempSync(join(tmpdir(), 'stockade-kept-'));
  try {
    for (const [made, skipped, name] of [
      ['mysql', 'docker,machine,packages', 'MySQL'],
      ['mariadb', 'docker,mariadb', 'MariaDB'],
    ] as const) {
      mkdirSync(join(keepIn, made));
      const bringing = bringServices({
        env: { ...process.env, MYSQL_URL: '', STOCKADE_SERVICES_SKIP: skipped },
        signal: AbortSignal.timeout(100_000),
        log: () => undefined,
        keepIn,
      });
      await expect(bringing).rejects.toThrow(`${name}, of which the data in ${keepIn} are,`);
      expect(readdirSync(keepIn)).toEqual([made]);
      rmSync(join(keepIn, made), { recursive: true });
    }
  } finally {
    rmSync(keepIn, { recursive: true, force: true });
  }
});

test('data are had by one process at most of several at once, beside the claims of killed ones', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'stockade-kept-'));
  mkdirSync(join(parent, 'mysql'));
  const askedBy = async (count: number, go: string) => {
    const args = ['--input-type=module', '--eval', PROGRAM, parent, join(parent, go)];
    const programs = Array.from({ length: count }, () => startProgram(args, {}));
    toDiscard.push(...programs);
    for (const one of programs) await one.until('it', () => one.stdout().includes('waits'));
    writeFileSync(join(parent, go), '');
    const SAID = /^(has them|is refused: The data in .+ are in use by process \d+)/m;
    for (const one of programs) await one.until('an answer', () => SAID.test(one.stdout()));
    for (const one of programs) one.signal('SIGKILL');
    await Promise.all(programs.map((one) => one.exited));
    return programs.filter((one) => one.stdout().includes('has them')).length;
  };
  try {
    for (const go of ['once', 'twice', 'three times']) {
      expect(await askedBy(1, `${go}, alone`)).toBe(1);
      expect(await askedBy(PROCESSES, go)).toBeLessThanOrEqual(1);
    }
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
});
