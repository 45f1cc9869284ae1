/**
 * A process that uses the built lock as a server would, and does what its parent says over IPC: one message for each
 * command, one for each answer. All moments are of the system's monotonic clock, so those of several processes compare.
 *
 * The parent kills and stops this process; nothing here helps it to survive that.
 */
import { closeSync, openSync, unlinkSync } from 'node:fs';
import {
  Deadline,
  DistributedLockManager,
  RedisLockService,
  systemClock,
} from '../../dist/src/lock/index.js';

const log = { info: () => undefined, warn: () => undefined };
let service;
let manager;

/** By the names that the parent gives. */
const asked = new Map();
const leases = new Map();
const losses = new Map();

const commands = {
  /** A new service, as if the process had been started for it. */
  async open({ settings, wallClockOffsetMs }) {
    globalThis.setWallClock(wallClockOffsetMs);
    service = new RedisLockService({ ...settings, log });
    manager = new DistributedLockManager(service, { waitMs: 10_000 });
    for (const names of [asked, leases, losses]) names.clear();
    return service.start();
  },

  stop: () => service.stop(),
  stats: () => service.stats(),
  health: () => service.health(),

  async acquire({ name, key, waitMs }) {
    const abort = new AbortController();
    asked.set(name, abort);
    const lease = await service.acquire(key, deadlineIn(waitMs, abort.signal));
    const atMs = nowMs();
    leases.set(name, lease);
    const noteLoss = () => losses.set(name, { atMs: nowMs(), ...describe(lease.signal.reason) });
    if (lease.signal.aborted) noteLoss();
    else lease.signal.addEventListener('abort', noteLoss, { once: true });
    return { key, fencingToken: lease.fencingToken, atMs };
  },

  /** Tells how many were had, and how many refused by which code. */
  async acquireMany({ keys, waitMs }) {
    return count(keys.map((key) => commands.acquire({ name: key, key, waitMs })));
  },

  /** One after another, so long apart. */
  async releaseMany({ names, everyMs }) {
    const releasing = [];
    for (const name of names) {
      releasing.push(count([service.release(leases.get(name))]));
      await pass(everyMs);
    }
    return sum(await Promise.all(releasing));
  },

  abort({ name }) {
    asked.get(name).abort(new Error('the test says so'));
  },

  async release({ name }) {
    const lease = leases.get(name);
    const askedMs = nowMs();
    await service.release(lease);
    return { askedMs, doneMs: nowMs(), state: lease.state };
  },

  /** The state is asked for in the same turn as the command arrives, before any timer or answer can help it. */
  lease({ name }) {
    const lease = leases.get(name);
    const state = lease.state;
    return { state, aborted: lease.signal.aborted, loss: losses.get(name) ?? null };
  },

  /** Blocks the event loop, as a process that computes does, and asks for the state before anything else can run. */
  block({ name, durationMs }) {
    const endMs = nowMs() + durationMs;
    while (nowMs() < endMs);
    return leases.get(name).state;
  },

  setWallClock({ offsetMs }) {
    globalThis.setWallClock(offsetMs);
    return Date.now();
  },

  /** So many waiters want the key again and again, from one moment to another, each for a while at a time. */
  async compete({ key, waiters, fromMs, untilMs, holdMs, witness }) {
    const holds = [];
    const failures = {};
    const one = async () => {
      await passUntil(fromMs);
      while (nowMs() < untilMs) {
        try {
          const lease = await service.acquire(key, deadlineIn(20_000));
          try {
            holds.push(await hold(lease, holdMs, witness));
          } finally {
            await service.release(lease);
          }
        } catch (error) {
          failures[error.code ?? error.message] = (failures[error.code ?? error.message] ?? 0) + 1;
          await pass(5);
        }
      }
    };
    await Promise.all(Array.from({ length: waiters }, one));
    return { holds, failures };
  },

  /** All baskets at once, each holding all of its keys at the same time. */
  baskets({ baskets, waitMs, holdMs, witnesses }) {
    return Promise.all(
      baskets.map(async (keys) => {
        const beganMs = nowMs();
        const tokens = await manager.executeWithLock(
          keys,
          async (held) => {
            const opened = keys.map((key) => openWitness(witnesses[key]));
            await pass(holdMs);
            for (const [index, key] of keys.entries()) closeWitness(witnesses[key], opened[index]);
            return keys.map((key) => held.fencingTokenOf(key));
          },
          deadlineIn(waitMs),
        );
        return { keys, tokens, tookMs: nowMs() - beganMs };
      }),
    );
  },

  /** A function that throws while it holds the keys. */
  async throwUnderLock({ keys, message }) {
    await manager.executeWithLock(keys, () => Promise.reject(new Error(message)));
  },

  /** Takes several keys in their order and keeps them until `letGo`. */
  async holdAll({ keys, waitMs }) {
    return new Promise((resolve, reject) => {
      const work = (held) =>
        new Promise((letGo) => {
          asked.set('holdAll', { abort: letGo });
          resolve(held.leases.map(({ key, fencingToken }) => ({ key, fencingToken })));
        });
      manager.executeWithLock(keys, work, deadlineIn(waitMs)).catch(reject);
    });
  },
};

async function count(promises) {
  const codes = {};
  for (const { reason } of await Promise.allSettled(promises)) {
    const code = reason === undefined ? 'OK' : (reason.code ?? reason.message);
    codes[code] = (codes[code] ?? 0) + 1;
  }
  return codes;
}

function sum(counts) {
  const total = {};
  for (const one of counts) for (const code in one) total[code] = (total[code] ?? 0) + one[code];
  return total;
}

/** Only one process can create the witness file: it shows exclusion without Redis and without any clock. */
async function hold(lease, holdMs, witness) {
  const startMs = nowMs();
  const file = witness === null ? null : openWitness(witness);
  if (holdMs > 0) await pass(holdMs);
  if (witness !== null) closeWitness(witness, file);
  const endMs = nowMs();
  // Asked after the end was noted: what is held now was held then, however long this process was stopped in between.
  const trusted = lease.state === 'held';
  return { token: lease.fencingToken, startMs, endMs, alone: file !== null, trusted };
}

function openWitness(path) {
  try {
    return openSync(path, 'wx');
  } catch (error) {
    if (error.code === 'EEXIST') return null;
    throw error;
  }
}

function closeWitness(path, file) {
  if (file === null) return;
  closeSync(file);
  unlinkSync(path);
}

function deadlineIn(ms, signal) {
  return Deadline.in(ms, systemClock, signal);
}

function nowMs() {
  return Number(process.hrtime.bigint()) / 1e6;
}

function pass(durationMs) {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

function passUntil(momentMs) {
  return pass(Math.max(0, momentMs - nowMs()));
}

function describe(error) {
  const { name, code, message, key, reason, waitedMs, behind } = error;
  return { name, code, message, key, reason, waitedMs, behind };
}

process.on('message', async ({ id, command, details }) => {
  try {
    process.send({ id, value: await commands[command](details) });
  } catch (error) {
    process.send({ id, error: describe(error) });
  }
});
// The test process is gone.
process.on('disconnect', () => process.exit());
