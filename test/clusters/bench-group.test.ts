/** The benchmark's scenario that brings a MySQL group in which all members write. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Row } from '../../bench/report/row.js';
import { startProgram, type StartedProgram } from '../support/started-program.js';

const folder = mkdtempSync(join(tmpdir(), 'stockade-bench-group-'));
let program: StartedProgram | undefined;

afterAll(() => {
  program?.discard();
  rmSync(folder, { recursive: true, force: true });
});

test('the benchmark counts what a group does not certify, and holds every member against the answers', async () => {
  const json = join(folder, 'group.json');
  program = startProgram(
    [
      ...['dist/bench/main.js', '--scenario', 'group', '--contenders', 'lanes,conditional-update'],
      ...['--seconds', '0.5', '--repeat', '1', '--json', json],
    ],
    { MYSQL_URL: process.env.MYSQL_URL, REDIS_URL: process.env.REDIS_URL },
  );
  expect(await program.exited).toBe(0);
  const { rows } = JSON.parse(readFileSync(json, 'utf8')) as { readonly rows: readonly Row[] };
  const of = (contender: string) => rows.find((row) => row.contender === contender);
  for (const contender of ['lanes', 'conditional-update']) {
    expect(of(contender)).toMatchObject({ processes: 3, ledger: { problems: 0 } });
    expect(of(contender)?.taken).toBeGreaterThan(0);
  }
  expect(of('lanes')?.failed).toBe(0);
  // Without a lock the members write the same rows at a time.
  expect(of('conditional-update')?.conflicts).toBeGreaterThan(0);
  expect(program.files()).toEqual([]);
});
