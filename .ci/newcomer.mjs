/**
 * The first steps of a new user on a machine with only Node: the README's commands, the printed mutation, Ctrl-C, and a
 * check of what is left. Runs as root in the machine that `bare-machine` creates; the new user's commands run as an
 * ordinary user. Each check prints a line; the first that fails ends the run.
 *
 *   node newcomer.mjs <project folder> <user id> <what the machine must not have, or nothing>
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const [project, uid, hidden = ''] = process.argv.slice(2);
const PORT = 4000;
const URL = `http://127.0.0.1:${PORT}/graphql`;
const START_TIMEOUT_MS = 300_000;
const STOP_TIMEOUT_MS = 30_000;
const CACHE = join(project, '.cache');
const READY = 'Ctrl-C stops everything.';

const alive = new Set();
process.on('exit', () => alive.forEach((group) => process.kill(-group, 'SIGKILL')));

/** Starts a command as a terminal would: in a process group of its own, which Ctrl-C reaches as a whole. */
function start(command, env = {}) {
  const drop = ['--reuid', uid, '--regid', uid, '--clear-groups'];
  const child = spawn('setpriv', [...drop, '/bin/sh', '-c', `exec ${command}`], {
    cwd: project,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, HOME: process.env.NEWCOMER_HOME, ...env },
  });
  alive.add(child.pid);
  const printed = { out: '', err: '' };
  child.stdout.on('data', (chunk) => (printed.out += chunk));
  child.stderr.on('data', (chunk) => (printed.err += chunk));
  // When it exits, the terminal shows its prompt: nothing may go on running.
  const exited = once(child, 'exit').then(([code, signal]) => {
    alive.delete(child.pid);
    return code ?? signal;
  });
  const closed = once(child, 'close').then(() => exited);
  return { printed, exited, closed, interrupt: () => process.kill(-child.pid, 'SIGINT') };
}

async function until(what, program, condition) {
  const giveUpMs = performance.now() + START_TIMEOUT_MS;
  let ended = false;
  void program.exited.then(() => (ended = true));
  while (!condition()) {
    const why = ended ? 'it ended' : performance.now() > giveUpMs ? 'it took too long' : null;
    if (why) throw new Error(`${what}: ${why}\n${program.printed.out}${program.printed.err}`);
    await wait(20);
  }
}

/** The processes of the new user that still run. */
function processesLeft() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const status = readFileSync(`/proc/${pid}/status`, 'utf8');
        const [, state] = /^State:\s+(\S)/m.exec(status);
        const [, owner] = /^Uid:\s+(\d+)/m.exec(status);
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return owner === uid && state !== 'Z' ? [`${pid} ${command}`] : [];
      } catch {
        return [];
      }
    });
}

/** The new user's files outside the project and the home folder, except Jest's cache. */
function filesLeft() {
  return ['/tmp', '/var/tmp', '/dev/shm', '/run'].filter(existsSync).flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => !name.startsWith('jest_'))
      .map((name) => join(folder, name))
      .filter((path) => {
        try {
          return String(statSync(path).uid) === uid;
        } catch {
          return false;
        }
      }),
  );
}

async function expectNothingLeft(program) {
  const how = await Promise.race([program.exited, wait(STOP_TIMEOUT_MS, 'late', { ref: false })]);
  // Node exits with 0; npm's shell got the same signal and reports it to npm.
  const said = `${program.printed.out}${program.printed.err}`;
  assert.ok(how === 0 || how === 'SIGINT', `the end after Ctrl-C was ${how}\n${said}`);
  assert.deepEqual(processesLeft(), [], 'processes left');
  assert.deepEqual(filesLeft(), [], 'files left');
  const halves = existsSync(CACHE) ? readdirSync(CACHE) : [];
  assert.deepEqual(
    halves.filter((name) => name.startsWith('partial-')),
    [],
    'half downloads left',
  );
}

function say(line) {
  console.log(`  ${line}`);
}

const startedMs = performance.now();
const seconds = (sinceMs) => ((performance.now() - sinceMs) / 1000).toFixed(1);

for (const name of hidden.split(',').filter((word) => word !== '')) {
  for (const folder of [
    '/usr/local/sbin',
    '/usr/local/bin',
    '/usr/sbin',
    '/usr/bin',
    '/sbin',
    '/bin',
  ])
    assert.ok(!existsSync(join(folder, name)), `this machine has ${name}`);
}
say(`Node ${process.version}; ${hidden ? `no ${hidden}` : 'what this machine has is hidden'}.`);

const install = start('npm ci');
assert.equal(await install.closed, 0, install.printed.out + install.printed.err);
assert.doesNotMatch(install.printed.err, /EBADENGINE|install scripts/, install.printed.err);
say(`npm ci: ${seconds(startedMs)} s`);

// Ctrl-C during the download of the packages: nothing of them may stay.
const early = start('npm run dev');
await until('the download', early, () => early.printed.out.includes('downloading'));
early.interrupt();
await expectNothingLeft(early);
assert.ok(!early.printed.out.includes(READY));
say('Ctrl-C in the middle of the download leaves nothing behind.');

const firstMs = performance.now();
const first = start('npm run dev');
await until('the first start', first, () => first.printed.out.includes(READY));
console.log(first.printed.out.replace(/^/gm, '  | '));
say(`npm run dev, the first time: ${seconds(firstMs)} s`);
assert.match(
  first.printed.out,
  /^MySQL: 9\.\d+\.\S+ from the packages of Debian \(sid\), .+, because .+\.$/m,
);
assert.match(
  first.printed.out,
  /^Redis: \S+ from the packages of Debian \(\w+\), .+, because .+\.$/m,
);
assert.match(first.printed.out, /^Stockade serves http:\/\/localhost:4000\/graphql$/m);
assert.match(first.printed.out, /^MySQL: \d+ of \d+ MB, \d+ s$/m);
await sellOut();

/** What the console's page does when a sale is tried. */
async function sellOut() {
  const [start, state] = ['start-sale-trial', 'sale-trial'].map((name) =>
    readFileSync(join(project, 'schema/development', `${name}.graphql`), 'utf8'),
  );
  const beganMs = performance.now();
  await ask({ query: start, variables: { input: { buyers: 300, units: 100 } } });
  let trial;
  do {
    await wait(200);
    trial = (await ask({ query: state })).data.saleTrial;
  } while (!['DONE', 'FAILED', 'STOPPED'].includes(trial.state));
  assert.equal(trial.state, 'DONE', JSON.stringify(trial));
  assert.deepEqual([trial.sold, trial.ledger.ok, trial.ledger.oversold], [100, true, 0]);
  say(`A sale is tried in ${seconds(beganMs)} s: ${trial.ledger.verdict}`);
}

async function ask(operation) {
  const response = await fetch(URL, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(operation),
  });
  return response.json();
}

const [mutation] = /^mutation \{\n(?:.*\n)*?\}$/m.exec(first.printed.out);
const answer = await ask({ query: mutation });
say(`The printed mutation answers ${JSON.stringify(answer)}`);
assert.deepEqual(answer.data.deductStock.results[0].remaining, 99);
first.interrupt();
await expectNothingLeft(first);
say('Ctrl-C leaves nothing behind, neither a process nor a file.');

// Now that the packages are there: Ctrl-C while MySQL creates its data folder.
const second = start('npm run dev');
await until('a data folder', second, () =>
  readdirSync('/tmp').some((name) => name.startsWith('stockade-mysql-')),
);
second.interrupt();
await expectNothingLeft(second);
say('Ctrl-C in the middle of starting MySQL leaves nothing behind.');

const occupant = createServer();
occupant.listen(PORT, '127.0.0.1');
await once(occupant, 'listening');
await expectRefusal({}, `Port ${PORT} is taken by another program`);
occupant.close();

const lowest = readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8');
if (Number(lowest) > 80) await expectRefusal({ PORT: '80' }, 'This user may not listen on port 80');
await expectRefusal({ TMPDIR: '/root' }, 'No folder can be made in /root: permission denied');

async function expectRefusal(env, sentence) {
  const refused = start('npm run --silent dev', env);
  const code = await refused.closed;
  const lines = refused.printed.err.trim().split('\n');
  assert.equal(code, 1, refused.printed.out + refused.printed.err);
  assert.equal(lines.length, 1, refused.printed.err);
  assert.ok(lines[0].startsWith(sentence), lines[0]);
  assert.deepEqual(processesLeft(), []);
  say(`Exit code 1: ${lines[0]}`);
}

const testing = start(
  'npm test -- test/unit/config.test.ts test/integration/database/stock-store.test.ts',
);
assert.equal(await testing.closed, 0, testing.printed.out + testing.printed.err);
assert.match(testing.printed.err, /^MySQL: 9\.\d+\.\S+ from the packages/m);
assert.deepEqual(processesLeft(), [], 'processes left by the tests');
assert.deepEqual(filesLeft(), [], 'files left by the tests');
say(`npm test runs here, too: ${/^Tests: .*$/m.exec(testing.printed.err)[0]}`);
