/** `stockade simulate` on the command line: what it prints, and its exit codes. Needs neither MySQL nor Redis. */
import { spawnSync } from 'node:child_process';

function simulate(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['dist/src/cli/stockade.js', 'simulate', ...args],
    { env: { PATH: process.env.PATH }, encoding: 'utf8' },
  );
  return { status, stdout, stderr };
}

test('a run without a failure exits with 0, and its seed gives the same trace again', () => {
  const first = simulate('--seed', '7', '--minutes', '3');
  expect(first).toMatchObject({ status: 0 });
  expect(first.stdout).toMatch(/^Seed 7, 3 simulated minutes\.$/m);
  expect(first.stdout).toMatch(/^ {2}OK: .* rounds, .* events, trace \w+\.$/m);
  expect(simulate('--seed', '7', '--minutes', '3').stdout).toBe(first.stdout);
});

test('a run without a seed chooses one and prints it', () => {
  const { status, stdout } = simulate('--minutes', '0.1');
  expect(status).toBe(0);
  expect(stdout).toMatch(/^Seed \d+, 0\.1 simulated minutes\.$/m);
});

test.each([
  [['--seed', '-1'], /Must be an integer between 0 and \d+/],
  [['--seed', 'one'], /Must be an integer between 0 and \d+/],
  [['--minutes', '0'], /Must be a number greater than 0/],
  [['--hours', '1'], /unknown option '--hours'/],
])('%j exits with 2 and says what is wrong', (args, message) => {
  const { status, stdout, stderr } = simulate(...args);
  expect(status).toBe(2);
  expect(stderr).toMatch(message);
  expect(stdout).toBe('');
});
