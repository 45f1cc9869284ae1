#!/usr/bin/env -S node --max-semi-space-size=64
/** The entry of the program `stockade`. */
import { run } from './program.js';

await run(process.argv.slice(2));
